import { formatFloat } from '../../../src/engine/model/float.ts'
import { histogramText } from '../../../src/engine/model/histogram/floattext.ts'
import { FloatHistogram } from '../../../src/engine/model/histogram/float.ts'
import { formatLabels } from '../../../src/engine/model/labels.ts'
import type { Querier } from '../../../src/engine/model/store.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { QueryEngine, type QueryEngineOptions } from '../../../src/engine/promql/engine.ts'
import { FakeHost } from '../../fakehost.ts'

export interface Asked {
  /** `metric{a="b"} 1 _ 3`, a histogram as upstream prints it. */
  readonly rows: string[]
  /** Warnings and infos. */
  readonly notes: string[]
}

/** Asks at the minutes 0 … last, or at the last alone, and answers in lines. */
export function asker(store: Querier, language: QueryEngineOptions['language'] = {}) {
  const options = { querier: () => store, host: new FakeHost(), metrics: new Registry(), language }
  const engine = new QueryEngine(options)

  async function range(expr: string, last: number): Promise<Asked> {
    const { labels, steps, ...answer } = await engine.range({
      ...{ expr, start: 0, end: last * 60_000 },
      step: 60_000,
    })
    const texts = textsOf(answer.values, answer.histograms)
    const shown = texts.map((text, i) => (answer.present[i] === 0 ? '_' : text))
    const rows = labels.map((of, i) => line(of, shown.slice(i * steps, (i + 1) * steps)))
    return { rows, notes: [...answer.warnings, ...answer.infos] }
  }

  async function instant(expr: string, minute: number): Promise<Asked> {
    const answer = await engine.instant({ expr, time: minute * 60_000 })
    if (answer.kind !== 'vector') throw new Error(`want a vector, found a ${answer.kind}`)
    const texts = textsOf(answer.values, answer.histograms)
    const rows = answer.labels.map((labels, i) => line(labels, [texts[i] as string]))
    return { rows, notes: [...answer.warnings, ...answer.infos] }
  }

  return { range, instant }
}

type Placed = Awaited<ReturnType<QueryEngine['range']>>['histograms']

function textsOf(values: Float64Array, histograms: Placed): string[] {
  const texts = Array.from(values, formatFloat)
  for (const { at, histogram } of histograms ?? []) texts[at] = histogramText(FloatHistogram.of(histogram))
  return texts
}

function line(labels: readonly string[], values: readonly string[]): string {
  return `${formatLabels(labels)} ${values.join(' ')}`
}
