import { parseDuration } from '../engine/model/duration.ts'
import { labelsKey, metricName, valueOf, withLabel, type Labels } from '../engine/model/labels.ts'
import type { Line, Lines } from './lines.ts'
import { readAt, ScriptError } from './scripterror.ts'
import { readSeries, readStartTimes, type Series, type Value } from './series.ts'

export interface StoredSample {
  /** Milliseconds. */
  readonly t: number
  readonly v: number
  /** A stale marker; `v` is NaN beside it. */
  readonly stale: boolean
}

export interface StoredSeries {
  readonly labels: Labels
  /** In the order of time. */
  readonly samples: readonly StoredSample[]
}

/** A series of which a store does not keep everything that was loaded. */
export interface Lack {
  readonly labels: Labels
  readonly what: 'native histograms' | 'start timestamps'
}

/** `load 1m` or `load_with_nhcb 1m` and the series below it. */
export interface Load {
  readonly kind: 'load'
  readonly line: number
  readonly series: readonly StoredSeries[]
  /** No store keeps native histograms or start timestamps yet: who selects one of these series gets less than the
   *  script says. */
  readonly lacks: readonly Lack[]
}

interface Loaded extends Series {
  /** Relative to the samples; null without a line of them. */
  readonly starts: readonly (number | null)[] | null
}

/** @throws ScriptError */
export function readLoad(line: Line, lines: Lines): Load {
  const [, nhcb, step = ''] = /^load(_with_nhcb)?\s+(\S+)$/.exec(line.text) ?? []
  const stepMs = parseDuration(step)
  if (stepMs === null) throw new ScriptError(`want load[_with_nhcb] and a duration, found ${line.text}`)
  const loaded = readBlock(lines)
  const series = loaded.map(({ labels, values }) => ({ labels, samples: floatsOf(values, stepMs) }))
  const lacks = [...lacking(loaded), ...(nhcb === undefined ? [] : converted(loaded))]
  return { kind: 'load', line: line.number, series, lacks }
}

/** The series of the block; of lines with the same metric the last one counts. */
function readBlock(lines: Lines): Loaded[] {
  const byLabels = new Map<string, Loaded>()
  for (let line = lines.more(); line; line = lines.more()) {
    const starts = readStarts(line)
    const below = starts ? lines.more() : line
    if (!below) throw new ScriptError('want samples below the start timestamps', line.number)
    const series = readAt(below, readSeries)
    const key = labelsKey(series.labels)
    if (starts) checkStarts(starts, series, key, line)
    byLabels.set(key, { ...series, starts: starts?.values ?? null })
  }
  return [...byLabels.values()]
}

interface Starts {
  readonly key: string
  readonly values: readonly (number | null)[]
}

/** A line whose first word ends in `@st`; null when it is another. */
function readStarts(line: Line): Starts | null {
  const [, metric, items] = /^(\S*)@st\s+(.*)$/.exec(line.text) ?? []
  if (metric === undefined || items === undefined) return null
  return readAt(line, () => {
    const { labels } = readSeries(metric)
    return { key: labelsKey(labels), values: readStartTimes(items) }
  })
}

function checkStarts({ key, values }: Starts, series: Series, seriesKey: string, { number }: Line): void {
  if (key !== seriesKey) throw new ScriptError('want the same metric in the line below', number)
  const [wanted, found] = [series.values.length, values.length]
  if (wanted !== found) throw new ScriptError(`want ${wanted} start timestamps, found ${found}`, number)
}

function floatsOf(values: readonly Value[], stepMs: number): StoredSample[] {
  return values.flatMap((value, i) =>
    value?.kind === 'float' ? [{ t: i * stepMs, v: value.v, stale: value.stale }] : [],
  )
}

function lacking(loaded: readonly Loaded[]): Lack[] {
  return loaded.flatMap(({ labels, values, starts }): Lack[] => {
    if (values.some(value => value?.kind === 'histogram')) return [{ labels, what: 'native histograms' }]
    return starts?.some(start => start !== null) ? [{ labels, what: 'start timestamps' }] : []
  })
}

/** The series of native histograms with custom buckets that classic histograms are converted to (upstream's
 *  `appendCustomHistogram`): a name without its ending, labels without `le`. */
function converted(loaded: readonly Loaded[]): Lack[] {
  return loaded.flatMap(({ labels }): Lack[] => {
    const name = valueOf(labels, metricName)
    const base = name.replace(/_(?:bucket|count|sum)$/, '')
    if (base === name) return []
    return [{ labels: withLabel(withLabel(labels, metricName, base), 'le', ''), what: 'native histograms' }]
  })
}
