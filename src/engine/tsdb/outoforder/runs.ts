import { SampleColumns } from '../../chunks/columns.ts'
import { addHistograms, weave } from '../../chunks/weave.ts'
import { resetHint } from '../../model/histogram.ts'
import { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Run } from './chunk.ts'

/** Adds the samples of several runs in time order behind those that the columns have; of several at one time that of the
 *  first run. Nothing is said of resets: what lies between two of them is elsewhere.
 *  @throws CorruptionError */
export function decodeRuns(runs: readonly Run[], floats: SampleColumns, histograms: HistogramColumns): void {
  const first = histograms.count
  fill(lanesOf(runs), { floats, histograms })
  const { hint } = histograms
  for (let i = first; i < histograms.count; i++) if (hint[i] !== resetHint.gauge) hint[i] = resetHint.unknown
}

interface Samples {
  readonly floats: SampleColumns
  readonly histograms: HistogramColumns
}

/** Runs that follow each other. */
type Lane = Run[]

/** As few as can be without changing whose sample counts. Mostly it is one: late samples come in order. */
function lanesOf(runs: readonly Run[]): Lane[] {
  const lanes: Lane[] = []
  for (const run of runs) {
    const lane = lanes.at(-1)
    if (lane && run.minT > (lane.at(-1) as Run).maxT) lane.push(run)
    else lanes.push([run])
  }
  return lanes
}

/** Halves are woven, and their halves: a thousand lanes at once would be looked at for each sample. */
function fill(lanes: readonly Lane[], into: Samples): void {
  if (lanes.length <= 1) {
    for (const run of lanes.flat()) run.decode(into.floats, into.histograms)
    return
  }
  const half = lanes.length >>> 1
  const sources = [woven(lanes.slice(0, half)), woven(lanes.slice(half))] as const
  const sourceOf = (source: number) => (source === 0 ? sources[0] : sources[1])
  weave(sources, {
    floats: (source, from, to) => addFloats(into.floats, sourceOf(source).floats, from, to),
    histograms: (source, from, to, follows) =>
      addHistograms(into.histograms, sourceOf(source).histograms, from, to, follows),
  })
}

function woven(lanes: readonly Lane[]): Samples {
  const samples = { floats: new SampleColumns(), histograms: new HistogramColumns() }
  fill(lanes, samples)
  return samples
}

/** As bits: a stale marker must not pass through a number. */
function addFloats(out: SampleColumns, { t, bits }: SampleColumns, from: number, to: number): void {
  out.reserve(to - from)
  out.t.set(t.subarray(from, to), out.count)
  out.bits.set(bits.subarray(2 * from, 2 * to), 2 * out.count)
  out.count += to - from
}
