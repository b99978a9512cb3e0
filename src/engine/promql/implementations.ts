import type { FunctionName } from './functions.ts'
import { histograms } from './functions/histograms.ts'
import { absentOverTime } from './functions/rangesabsent.ts'
import { changing } from './functions/rangeschanges.ts'
import { overTime } from './functions/overtime.ts'
import { rates } from './functions/rates.ts'
import { regression } from './functions/regression.ts'
import { absent } from './functions/absent.ts'
import { info } from './functions/info.ts'
import { labels } from './functions/labels.ts'
import { math } from './functions/math.ts'
import { scalars } from './functions/scalars.ts'
import { sort } from './functions/sort.ts'
import { time } from './functions/time.ts'
import { timestamps } from './functions/timestamps.ts'
import type { Implementation } from './implementation.ts'

/** What each function does. */
export const implementations: Readonly<Record<FunctionName, Implementation>> = {
  ...math,
  ...scalars,
  ...absent,
  ...time,
  ...timestamps,
  ...labels,
  ...sort,
  ...info,
  ...histograms,
  ...rates,
  ...changing,
  ...regression,
  ...overTime,
  ...absentOverTime,
}
