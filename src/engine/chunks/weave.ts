import { resetHint } from '../model/histogram.ts'
import type { HistogramColumns } from '../model/histogram/columns.ts'

/** Ascending times of samples. */
interface Times {
  readonly t: Float64Array
  readonly count: number
}

/** Samples of one series from one place; floats and histograms never share a time. */
export interface Source {
  readonly floats: Times
  /** Null when there is none. */
  readonly histograms: HistogramColumns | null
}

/** Is told runs of rows [from, to) in the order of their times. */
export interface Weaver {
  floats(source: number, from: number, to: number): void
  /** @param follows whether the sample before them, of whatever kind, is of the same source */
  histograms(source: number, from: number, to: number, follows: boolean): void
}

/** Goes through the samples of several sources in time order. Of samples at one time that of the first source counts,
 *  whatever kind they are. */
export function weave(sources: readonly Source[], into: Weaver): void {
  const lanes = sources.flatMap(lanesOf)
  let lastSource = -1
  for (;;) {
    const first = earliest(lanes)
    if (!first) return
    const from = first.at
    const to = runEnd(lanes, first)
    const { source } = first
    if (first.histograms) into.histograms(source, from, to, source === lastSource)
    else into.floats(source, from, to)
    first.at = to
    lastSource = source
  }
}

/** Adds the rows [from, to) of other columns. What was between the first of them and the last one here is not known when
 *  that came from elsewhere, and so its hint is void (upstream's `chainSampleIterator`). */
export function addHistograms(
  out: HistogramColumns,
  rows: HistogramColumns,
  from: number,
  to: number,
  follows: boolean,
): void {
  const first = out.count
  for (let i = from; i < to; i++) out.copy(rows, i)
  if (!follows && out.hint[first] !== resetHint.gauge) out.hint[first] = resetHint.unknown
}

interface Lane {
  readonly t: Float64Array
  readonly count: number
  readonly source: number
  readonly histograms: boolean
  at: number
}

function lanesOf({ floats, histograms }: Source, source: number): Lane[] {
  const lanes: Lane[] = []
  if (floats.count > 0) lanes.push({ t: floats.t, count: floats.count, source, histograms: false, at: 0 })
  if (histograms && histograms.count > 0)
    lanes.push({ t: histograms.t, count: histograms.count, source, histograms: true, at: 0 })
  return lanes
}

/** The lane with the next sample: of several the first. */
function earliest(lanes: readonly Lane[]): Lane | null {
  let first: Lane | null = null
  let least = Infinity
  for (const lane of lanes) {
    if (lane.at === lane.count || (lane.t[lane.at] as number) >= least) continue
    first = lane
    least = lane.t[lane.at] as number
  }
  return first
}

/** The row behind those of a lane that come before any of another lane. Others' samples at the time of the first of them
 *  are passed over. */
function runEnd(lanes: readonly Lane[], first: Lane): number {
  const t = first.t[first.at] as number
  let limit = Infinity
  for (const lane of lanes) {
    if (lane === first || lane.at === lane.count) continue
    if (lane.t[lane.at] === t && ++lane.at === lane.count) continue
    limit = Math.min(limit, lane.t[lane.at] as number)
  }
  return before(first, limit)
}

/** The row behind those of a lane that come before a time, the next one at least. It is near where lanes alternate, and at
 *  the end where they follow each other. */
function before({ t, count, at }: Lane, limit: number): number {
  let low = at + 1
  let step = 1
  while (low + step <= count && (t[low + step - 1] as number) < limit) {
    low += step
    step *= 2
  }
  let high = Math.min(low + step, count)
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((t[middle] as number) < limit) low = middle + 1
    else high = middle
  }
  return low
}
