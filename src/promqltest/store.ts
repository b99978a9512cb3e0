import type { Querier } from '../engine/model/store.ts'
import type { StoredSeries } from './load.ts'

/** A way to read what was loaded. */
export interface View {
  /** Names the way in a reason; `''` when there is only one. */
  readonly name: string
  readonly querier: Querier
}

/** What not every store keeps. */
export type Extra = 'start timestamps'

/** Where a script's samples go. */
export interface Store {
  /** What is left out of what is loaded: who selects a series that has it gets less than the script says. */
  readonly lacks: readonly Extra[]
  /** Adds samples to those that are there.
   *  @throws Error when one of them is not later than the last of its series: scripts must not do that */
  load(series: readonly StoredSeries[]): Promise<void>
  /** Every answer must be right in each of them. Valid until the next `load`. */
  views(): Promise<readonly View[]>
  close(): Promise<void>
}
