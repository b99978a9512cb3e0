import type { Exemplar } from '../../model/exemplar.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'
import type { Labels } from '../../model/labels.ts'
import type { ExemplarResult } from '../../model/store.ts'
import type { MemSeries } from './series.ts'

// What the head hands on. It knows neither room: whoever opens the store hands them in.

/** Takes samples that are older than others of their series, or than what the head still takes. */
export interface OutOfOrder {
  /** Whether it has samples of the series, which the head then keeps and shows, whatever it has itself. */
  has(series: MemSeries): boolean
  /** Answers false when there is a sample of that time already. */
  insert(series: MemSeries, t: number, high: number, low: number): boolean
  /** Takes row i, likewise. The columns are lent for the call. */
  insertHistogram(series: MemSeries, from: HistogramColumns, i: number): boolean
}

/** Keeps exemplars, and counts what becomes of them. */
export interface Exemplars {
  /** What `add` would do with an exemplar of the series with these labels. */
  check(labels: Labels, exemplar: Exemplar): ExemplarResult
  /** Adds it where `check` would still have it; others may have come in between. */
  add(labels: Labels, exemplar: Exemplar): void
}

export const noOutOfOrder: OutOfOrder = {
  has: () => false,
  insert: () => false,
  insertHistogram: () => false,
}

export const noExemplars: Exemplars = { check: () => 'disabled', add: () => undefined }
