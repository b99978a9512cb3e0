import { presence, samplesIn, type Row } from './row.ts'
import type { HistogramSamples, RangeSamples } from './samples/samples.ts'
import type { Windows } from './samples/windows.ts'

/** Counts the samples that a query looks at, as Prometheus does: those in several windows several times, histograms by
 *  their weight (upstream's `QuerySamples`, without what is read from the disk alone). */
export class Tally {
  total = 0
  /** The same for each step; null unless somebody wants to know. */
  readonly perStep: Float64Array | null

  constructor(perStep: Float64Array | null) {
    this.perStep = perStep
  }

  /** What an instant vector found. */
  addRow(row: Row): void {
    this.total += samplesIn(row)
    if (!this.perStep) return
    for (let s = 0; s < this.perStep.length; s++) {
      if (row.present[s] !== presence.none) this.addAt(s, row.histograms?.[s]?.weight ?? 1)
    }
  }

  /** What is in windows that have been slid over the samples.
   *  @param total what `Windows.slide` said */
  addWindows(windows: Windows, { histograms }: RangeSamples, total: number): void {
    this.total += total
    if (!this.perStep) return
    const { from, to, histogramFrom, histogramTo } = windows
    for (let s = 0; s < this.perStep.length; s++) {
      this.addAt(s, (to[s] as number) - (from[s] as number))
      if (histograms)
        this.addAt(s, weightOf(histograms, histogramFrom[s] as number, histogramTo[s] as number))
    }
  }

  /** What was looked at once for all steps counts as if each of them had looked. */
  addForEachStep({ total }: Tally, steps: number): void {
    this.total += total * steps
    if (this.perStep) for (let s = 0; s < steps; s++) this.addAt(s, total)
  }

  private addAt(s: number, count: number): void {
    if (this.perStep) this.perStep[s] = (this.perStep[s] as number) + count
  }
}

function weightOf(histograms: HistogramSamples, from: number, to: number): number {
  let weight = 0
  for (let i = from; i < to; i++) weight += histograms.weight(i)
  return weight
}
