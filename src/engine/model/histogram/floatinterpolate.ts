import type { FloatHistogram } from './float.ts'
import { addInPlace, subtractInPlace } from './floatadd.ts'
import { isFloatReset } from './floatreset.ts'

/** A histogram and when it was sampled, in milliseconds. */
export interface TimedHistogram {
  readonly t: number
  readonly histogram: FloatHistogram
}

/** The histogram that lies between two samples, each number on a straight line (upstream `interpolateHistograms`). A
 *  counter that was reset between them begins at 0. The answer has counts of its own.
 *  @param t between the times of both, or one of them
 *  @param onReconciled told when bounds of custom buckets differ
 *  @returns null when buckets are custom in one and exponential in the other */
export function interpolatedHistogram(
  before: TimedHistogram,
  after: TimedHistogram,
  t: number,
  kind: 'counter' | 'gauge',
  onReconciled: (operation: 'addition' | 'subtraction') => void,
): FloatHistogram | null {
  if (t === before.t) return before.histogram.copy()
  if (t === after.t) return after.histogram.copy()
  const fraction = (t - before.t) / (after.t - before.t)
  if (kind === 'counter' && isFloatReset(after.histogram, before.histogram))
    return after.histogram.scaled(fraction)

  const result = after.histogram.copy()
  const difference = subtractInPlace(result, before.histogram)
  if (!difference) return null
  if (difference.boundsReconciled) onReconciled('subtraction')
  result.scaleInPlace(fraction)
  const sum = addInPlace(result, before.histogram)
  if (sum?.boundsReconciled) onReconciled('addition')
  return result
}
