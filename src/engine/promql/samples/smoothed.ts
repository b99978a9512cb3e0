import type { FloatHistogram } from '../../model/histogram/float.ts'
import { interpolatedHistogram } from '../../model/histogram/floatinterpolate.ts'
import { resetHint } from '../../model/histogram.ts'
import { metricName, valueOf } from '../../model/labels.ts'
import {
  mismatchedCustomBuckets,
  mixedExponentialCustom,
  mixedFloatsHistograms,
  type Annotation,
} from '../annotations.ts'
import type { MatrixSelector, VectorSelector } from '../syntax/ast.ts'
import type { Evaluation } from '../evaluation.ts'
import { interpolated } from '../functions/extended.ts'
import { eachRange } from './ranges.ts'
import { emptyRow, presence, setHistogram, type Row, type Sink } from '../row.ts'
import type { FloatSamples, HistogramSamples } from './samples.ts'
import { Windows } from './windows.ts'

/** Smoothed instant vector selector: at every step the value on the straight line between the sample before, at most the
 *  lookback old, and the one behind, at most the lookback away; without the latter that of the former (upstream's
 *  `smoothSeries`). */
export async function smoothed(selector: VectorSelector, query: Evaluation, sink: Sink): Promise<void> {
  const range: MatrixSelector = {
    kind: 'matrixSelector',
    selector,
    range: { ms: 0, expr: null },
    span: selector.span,
  }
  const windows = new Windows(query.grid, range, query.lookbackMs)
  const row = emptyRow(query.grid.steps)
  await eachRange(range, windows, query, (labels, _nameless, { floats, histograms }) => {
    windows.slide({ floats, histograms })
    row.labels = labels
    row.histograms = null
    smoothFloats(floats, windows, row)
    if (histograms) {
      const metric = valueOf(labels, metricName)
      smoothHistograms(histograms, metric, windows, row, found => query.note(found, selector.span))
    }
    sink(row)
  })
}

function smoothFloats(floats: FloatSamples, windows: Windows, { values, present }: Row): void {
  const { steps, from, to } = windows
  const { t, v, count } = floats
  let next = 0
  for (let s = 0; s < steps; s++) {
    const now = windows.end(s)
    while (next < count && (t[next] as number) < now) next++
    const first = from[s] as number
    const end = to[s] as number
    present[s] = presence.float
    if (next < end && t[next] === now) values[s] = v[next] as number
    else if (next <= first) present[s] = presence.none
    else if (next < end) values[s] = interpolated(floats, next - 1, now, false)
    else values[s] = v[next - 1] as number
  }
}

function smoothHistograms(
  histograms: HistogramSamples,
  metric: string,
  windows: Windows,
  row: Row,
  note: (annotation: Annotation) => void,
): void {
  const { steps, from, to, histogramFrom, histogramTo } = windows
  const { t, count } = histograms
  let next = 0
  for (let s = 0; s < steps; s++) {
    const now = windows.end(s)
    while (next < count && (t[next] as number) < now) next++
    const first = histogramFrom[s] as number
    const end = histogramTo[s] as number
    if (first === end) continue
    row.present[s] = presence.none
    if (from[s] !== to[s]) note(mixedFloatsHistograms(metric))
    else if (next < end && t[next] === now) setHistogram(row, s, histograms.at(next))
    else if (next > first && next < end) {
      const between = histogramBetween(histograms, next - 1, now, note)
      if (between) setHistogram(row, s, between)
      else note(mixedExponentialCustom(metric))
    } else if (next > first) setHistogram(row, s, histograms.at(next - 1).withHint(resetHint.unknown))
  }
}

/** The histogram at a time between sample i and the next one; of counters, unless both say that they are gauges. */
function histogramBetween(
  histograms: HistogramSamples,
  i: number,
  time: number,
  note: (annotation: Annotation) => void,
): FloatHistogram | null {
  const before = histograms.at(i)
  const after = histograms.at(i + 1)
  if (before.custom !== after.custom) return null
  const gauges = before.hint === resetHint.gauge && after.hint === resetHint.gauge
  return interpolatedHistogram(
    { t: histograms.t[i] as number, histogram: before },
    { t: histograms.t[i + 1] as number, histogram: after },
    time,
    gauges ? 'gauge' : 'counter',
    operation => note(mismatchedCustomBuckets(operation)),
  )
}
