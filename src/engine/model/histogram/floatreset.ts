import { resetHint } from '../histogram.ts'
import type { FloatHistogram } from './float.ts'
import { isResetAcross } from './reset.ts'
import { sameLayout } from './spans.ts'

/** Whether the counter was reset between two samples of one series (upstream `DetectReset`); like `isReset`, for what is
 *  not in columns. */
export function isFloatReset(current: FloatHistogram, previous: FloatHistogram): boolean {
  if (current.hint === resetHint.reset) return true
  if (current.hint === resetHint.notReset) return false
  if (current.count < previous.count) return true
  if (sameLayout(current, previous) && !anyLower(current, previous)) return false
  return isResetAcross(current.plain(), previous.plain())
}

/** For the same buckets; those inside the zero bucket count here, too. */
function anyLower(current: FloatHistogram, previous: FloatHistogram): boolean {
  return (
    current.zeroCount < previous.zeroCount ||
    lower(current.positive, previous.positive) ||
    lower(current.negative, previous.negative)
  )
}

function lower(current: Float64Array, previous: Float64Array): boolean {
  for (let k = 0; k < current.length; k++) if ((current[k] as number) < (previous[k] as number)) return true
  return false
}
