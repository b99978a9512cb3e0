import { Workload } from '../frame/workload.ts'

/** The beginning of a block of two hours. */
export const startT = 1_699_920_000_000
export const intervalMs = 15_000
export const slotsOfTwoHours = (2 * 3600_000) / intervalMs

/** A log of so many targets with a hundred series each, over two hours. */
export interface LogShape {
  readonly targets: number
}

export function logWorkload({ targets }: LogShape): Workload {
  return new Workload({ targets, shards: 1, startT, intervalMs })
}

export const logRange = { minT: startT, maxT: startT + 2 * 3600_000 - 1 }
