import type { FunctionName } from '../syntax/functions.ts'
import { histograms } from './histograms.ts'
import { absentOverTime } from './rangesabsent.ts'
import { changing } from './rangeschanges.ts'
import { overTime } from './overtime.ts'
import { rates } from './rates.ts'
import { regression } from './regression.ts'
import { absent } from './absent.ts'
import { info } from './info.ts'
import { labels } from './labels.ts'
import { math } from './math.ts'
import { scalars } from './scalars.ts'
import { sort } from './sort.ts'
import { time } from './time.ts'
import { timestamps } from './timestamps.ts'
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
