import type { FunctionName } from '../syntax/functions.ts'
import type { Implementation, WindowKernel } from './implementation.ts'
import { extreme, timeOfExtreme } from './overtimeextremes.ts'
import { average, sum } from './overtimesums.ts'
import { count, first, last, present, timeOfFirst, timeOfLast } from './overtimeany.ts'
import { deviation, quantile } from './overtimequantile.ts'
import { standardDeviation, variance } from './overtimevariance.ts'

function overRange(kernel: WindowKernel): Implementation {
  return { kind: 'overRange', kernel }
}

/** All samples of a window become one. */
export const overTime = {
  avg_over_time: overRange(average),
  min_over_time: overRange(extreme((a, b) => a < b)),
  max_over_time: overRange(extreme((a, b) => a > b)),
  sum_over_time: overRange(sum),
  count_over_time: overRange(count),
  quantile_over_time: overRange(quantile),
  stddev_over_time: overRange(standardDeviation),
  stdvar_over_time: overRange(variance),
  mad_over_time: overRange(deviation),
  last_over_time: { kind: 'overRange', keepsName: true, kernel: last },
  first_over_time: { kind: 'overRange', keepsName: true, kernel: first },
  present_over_time: overRange(present),
  ts_of_first_over_time: overRange(timeOfFirst),
  ts_of_last_over_time: overRange(timeOfLast),
  ts_of_min_over_time: overRange(timeOfExtreme((a, b) => a <= b)),
  ts_of_max_over_time: overRange(timeOfExtreme((a, b) => a >= b)),
} satisfies Partial<Record<FunctionName, Implementation>>
