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
  /** Whether it is asked through the sidecar that serves the page. */
  readonly proxied: boolean
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

/** `cors`: something answers, but its answer may not be read, and `proxy` tells whether a sidecar is there that
 *  could; `unreachable`: nothing answers; `readable`: it can be read now; `http`: it answers, with another status than
 *  200; `proxy`: the sidecar, through which it is asked, cannot. */
export type Diagnosis =
  | { readonly kind: 'cors'; readonly header: string; readonly proxy: boolean }
  | { readonly kind: 'proxy'; readonly error: string }
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'readable' }
  | { readonly kind: 'http'; readonly status: number }
