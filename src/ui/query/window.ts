import type { QueryParams } from './params.ts'

/** What a graph shows and at which moments it is evaluated. */
export interface GraphWindow {
  /** Edges of the drawing in milliseconds. */
  readonly from: number
  readonly to: number
  /** First and last evaluation, both multiples of the step inside the edges. */
  readonly start: number
  readonly end: number
  readonly step: number
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const steps = [
  ...[1, 2, 5, 10, 15, 30].map(n => n * second),
  ...[1, 2, 5, 10, 15, 30].map(n => n * minute),
  ...[1, 2, 4, 6, 12].map(n => n * hour),
  ...[1, 2, 7, 14, 28].map(n => n * day),
]

// A point for every second pixel; below and above, a graph is either coarse or slow without looking better.
const pixelsPerPoint = 2
const fewest = 100
const most = 1000

/** The evaluations of a graph of `width` pixels. They lie on multiples of the step, not of the edge: otherwise
 *  every refresh would ask at other moments, and the line would wriggle. */
export function graphWindow(params: QueryParams, now: number, width: number): GraphWindow {
  const to = params.end ?? now
  const from = to - params.rangeMs
  const points = Math.min(Math.max(width / pixelsPerPoint, fewest), most)
  const step = stepFor(params.rangeMs, points)
  return { from, to, step, start: Math.ceil(from / step) * step, end: Math.floor(to / step) * step }
}

/** The smallest round step that needs no more points. Not below a second: nothing is scraped more often. */
export function stepFor(rangeMs: number, points: number): number {
  const least = rangeMs / points
  return steps.find(step => step >= least) ?? Math.ceil(least / (28 * day)) * 28 * day
}

/** The ranges that − and + go through, as in Prometheus. */
const ranges = [
  ...[10 * second, minute, 5 * minute, 15 * minute, 30 * minute],
  ...[hour, 2 * hour, 6 * hour, 12 * hour],
  ...[day, 2 * day, 7 * day, 14 * day, 28 * day, 56 * day, 365 * day, 730 * day],
]

export function shorterRange(rangeMs: number): number {
  return ranges.findLast(range => range < rangeMs) ?? rangeMs
}

export function longerRange(rangeMs: number): number {
  return ranges.find(range => range > rangeMs) ?? rangeMs
}

/** The end after moving half a range to the left (−1) or the right (1); null, which is now, once it would lie in
 *  the future. */
export function movedEnd(params: QueryParams, direction: -1 | 1, now: number): number | null {
  const end = (params.end ?? now) + (direction * params.rangeMs) / 2
  return end >= now ? null : end
}

/** Range and end for a part of the graph that was selected by dragging, on whole seconds because links know no
 *  less. Null when it is too short to mean anything. */
export function zoomed(fromMs: number, toMs: number): Pick<QueryParams, 'rangeMs' | 'end'> | null {
  if (toMs - fromMs < second) return null
  const end = Math.ceil(toMs / second) * second
  return { end, rangeMs: end - Math.floor(fromMs / second) * second }
}
