import type { ValueType } from './types.ts'
import * as windows from './windows.ts'

/** A function of PromQL: the parser checks by this table and the evaluator calls from it. */
export interface PromFunction {
  readonly args: readonly ValueType[]
  readonly returns: ValueType
  readonly kernel: windows.WindowKernel
  /** It acts like an offset, so the metric keeps its name. */
  readonly keepsName?: boolean
  /** It makes sense for counters only: a name that does not look like one's is worth a hint. */
  readonly forCounters?: boolean
}

function overTime(
  kernel: windows.WindowKernel,
  traits: { keepsName?: boolean; forCounters?: boolean } = {},
): PromFunction {
  return { args: ['matrix'], returns: 'vector', kernel, ...traits }
}

const counter = { forCounters: true }

export const functions = {
  rate: overTime(windows.extrapolated({ counter: true, perSecond: true }), counter),
  increase: overTime(windows.extrapolated({ counter: true, perSecond: false }), counter),
  delta: overTime(windows.extrapolated({ counter: false, perSecond: false })),
  irate: overTime(windows.lastTwo({ counter: true })),
  idelta: overTime(windows.lastTwo({ counter: false })),
  changes: overTime(windows.changes),
  resets: overTime(windows.resets),
  sum_over_time: overTime(windows.sum),
  avg_over_time: overTime(windows.average),
  min_over_time: overTime(windows.minimum),
  max_over_time: overTime(windows.maximum),
  count_over_time: overTime(windows.count),
  present_over_time: overTime(windows.present),
  last_over_time: overTime(windows.last, { keepsName: true }),
  first_over_time: overTime(windows.first, { keepsName: true }),
} satisfies Record<string, PromFunction>

export type FunctionName = keyof typeof functions
