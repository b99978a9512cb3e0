import { parseDuration } from '../../../src/engine/model/duration.ts'
import {
  compareLabels,
  labelsFrom,
  labelsKey,
  valueOf,
  type Labels,
} from '../../../src/engine/model/labels.ts'
import type { Matcher } from '../../../src/engine/model/matcher.ts'
import type { Columns, Querier, SeriesBatch, TimeRange } from '../../../src/engine/model/store.ts'
import { parse } from '../../../src/engine/promql/parser.ts'

export interface StoredSample {
  readonly t: number
  readonly v: number
  readonly stale: boolean
}

interface StoredSeries {
  readonly labels: Labels
  readonly samples: readonly StoredSample[]
}

/** A store in memory for the tests of PromQL. It lends its columns as strictly as it may: the next call of
 *  `columns` spoils those of the one before, and there is rubbish behind the last sample. */
export class MemoryQuerier implements Querier {
  readonly series: readonly StoredSeries[]
  private readonly batchSize: number

  constructor(series: readonly StoredSeries[] = [], batchSize = 2) {
    this.series = [...series].sort((a, b) => compareLabels(a.labels, b.labels))
    this.batchSize = batchSize
  }

  /** This store with the samples of a block in promqltest's notation: `load 1m`, then a series a line. */
  load(block: string): MemoryQuerier {
    const [head = '', ...lines] = block.trim().split('\n')
    const step = parseDuration(head.trim().split(/\s+/)[1] ?? '')
    if (step === null) throw new Error(`no interval in ${head}`)
    const byLabels = new Map(this.series.map(series => [labelsKey(series.labels), series]))
    for (const line of lines) {
      const { labels, values } = parseSeries(line)
      const old = byLabels.get(labelsKey(labels))?.samples ?? []
      const added = values.flatMap((value, i) => (value === null ? [] : [{ t: i * step, ...value }]))
      byLabels.set(labelsKey(labels), { labels, samples: [...old, ...added] })
    }
    return new MemoryQuerier([...byLabels.values()], this.batchSize)
  }

  async *select(matchers: readonly Matcher[], { minT, maxT }: TimeRange): AsyncGenerator<SeriesBatch> {
    const found = this.matching(matchers)
      .map(series => ({ ...series, samples: series.samples.filter(({ t }) => t >= minT && t <= maxT) }))
      .filter(({ samples }) => samples.length > 0)
    let lent: Columns | null = null
    for (let at = 0; at < found.length; at += this.batchSize) {
      const batch = found.slice(at, at + this.batchSize)
      await Promise.resolve()
      yield {
        count: batch.length,
        labels: i => batch[i]!.labels,
        columns: i => {
          lent?.t.fill(-1)
          lent?.v.fill(-1)
          lent?.stale?.fill(0)
          return (lent = columnsOf(batch[i]!.samples))
        },
      }
    }
  }

  async labelNames(matchers: readonly Matcher[]): Promise<string[]> {
    const names = this.matching(matchers).flatMap(({ labels }) => labels.filter((_, i) => i % 2 === 0))
    return [...new Set(names)].sort()
  }

  async labelValues(name: string, matchers: readonly Matcher[]): Promise<string[]> {
    const values = this.matching(matchers).map(({ labels }) => valueOf(labels, name))
    return [...new Set(values.filter(value => value !== ''))].sort()
  }

  private matching(matchers: readonly Matcher[]): StoredSeries[] {
    return this.series.filter(({ labels }) => matchers.every(m => m.matches(valueOf(labels, m.name))))
  }
}

function columnsOf(samples: readonly StoredSample[]): Columns {
  const room = samples.length + 3
  const t = new Float64Array(room).fill(0)
  const v = new Float64Array(room).fill(777)
  const stale = samples.some(sample => sample.stale) ? new Uint8Array(room) : null
  samples.forEach((sample, i) => {
    t[i] = sample.t
    v[i] = sample.v
    if (stale && sample.stale) stale[i] = 1
  })
  return { count: samples.length, t, v, stale }
}

/** A value of a series' description; null where there is no sample. */
export type Value = { readonly v: number; readonly stale: boolean } | null

/** `metric{label="value"} 1 2 _ 0+10x5 stale`. */
export function parseSeries(line: string): { labels: Labels; values: Value[] } {
  const text = line.trim()
  const end =
    text.startsWith('{') || /^[^\s{]+\{/.test(text) ? text.lastIndexOf('}') + 1 : text.search(/\s|$/)
  const values = text.slice(end).trim()
  return {
    labels: parseLabels(text.slice(0, end)),
    values: values === '' ? [] : values.split(/\s+/).flatMap(expand),
  }
}

/** The label set that a metric in PromQL's notation stands for. */
function parseLabels(metric: string): Labels {
  if (metric === '{}') return []
  const selector = parse(metric)
  if (selector.kind !== 'vectorSelector') throw new Error(`${metric} is no metric`)
  return labelsFrom(selector.matchers.map(({ name, value }) => [name, value]))
}

const number = String.raw`(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|[Ii]nf|[Nn]a[Nn])`
const item = new RegExp(`^([+-]?${number})([+-]${number})?(?:x(\\d+))?$`)

function expand(text: string): Value[] {
  const blanks = /^_(?:x(\d+))?$/.exec(text)
  if (blanks) return Array.from({ length: Number(blanks[1] ?? 1) }, () => null)
  if (text === 'stale') return [{ v: NaN, stale: true }]
  const match = item.exec(text)
  if (!match) throw new Error(`${text} is no value`)
  const step = match[2] === undefined ? 0 : toNumber(match[2])
  let v = toNumber(match[1]!)
  const values = [{ v, stale: false }]
  for (let i = 0; i < Number(match[3] ?? 0); i++) values.push({ v: (v += step), stale: false })
  return values
}

function toNumber(text: string): number {
  return Number(text.replace(/inf/i, 'Infinity'))
}
