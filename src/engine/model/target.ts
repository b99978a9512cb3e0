import type { Labels } from './labels.ts'

export interface NewTarget {
  /** Absolute http or https URL of the metrics. */
  readonly url: string
  readonly job: string
  readonly intervalMs: number
}

export interface TargetStatus {
  /** Stable for as long as the target is configured. */
  readonly id: string
  readonly job: string
  readonly url: string
  /** Labels that its series get. */
  readonly labels: Labels
  readonly intervalMs: number
  readonly health: 'unknown' | 'up' | 'down'
  readonly lastScrape: LastScrape | null
}

export interface LastScrape {
  /** Milliseconds since the epoch. */
  readonly t: number
  readonly durationMs: number
  readonly samples: number
  /** Text of the failure; null when the scrape went well. */
  readonly error: string | null
}

/** `cors`: something answers, but its answer may not be read; `unreachable`: nothing answers; `readable`: it
 *  can be read now; `http`: it answers, with another status than 200. */
export type Diagnosis =
  | { readonly kind: 'cors'; readonly header: string }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'readable' }
  | { readonly kind: 'http'; readonly status: number }
