import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation, WindowKernel } from './implementation.ts'
import { extended } from './extended.ts'
import { lastTwo } from './ratesinstant.ts'
import { extrapolated, type RateKind } from './ratesextrapolated.ts'

function byEnds(kind: RateKind): WindowKernel {
  const plain = extrapolated(kind)
  const other = extended(kind)
  return (samples, context, row) => {
    if (context.windows.ends === 'plain') plain(samples, context, row)
    else other(samples, context, row)
  }
}

export const rates = {
  rate: { kind: 'overRange', forCounters: true, kernel: byEnds({ counter: true, perSecond: true }) },
  increase: { kind: 'overRange', forCounters: true, kernel: byEnds({ counter: true, perSecond: false }) },
  delta: { kind: 'overRange', kernel: byEnds({ counter: false, perSecond: false }) },
  irate: { kind: 'overRange', kernel: lastTwo(true) },
  idelta: { kind: 'overRange', kernel: lastTwo(false) },
} satisfies Partial<Record<FunctionName, Implementation>>
