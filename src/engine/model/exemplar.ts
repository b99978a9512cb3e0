import type { Labels } from './labels.ts'

/** A single observation behind a sample, with what leads to it, such as the id of a trace. */
export interface Exemplar {
  /** Milliseconds. */
  readonly t: number
  readonly v: number
  readonly labels: Labels
  /** Whether its source told the time. Otherwise `t` is that of the scrape, and the same observation in the next scrape is
   *  the same exemplar (upstream `HasTs`). The log does not keep it. */
  readonly timed?: boolean
}

/** The exemplars of a series in time order. */
export interface SeriesExemplars {
  readonly labels: Labels
  readonly exemplars: readonly Exemplar[]
}
