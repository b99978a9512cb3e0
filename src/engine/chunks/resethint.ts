import { resetHint, type ResetHint } from '../model/histogram.ts'
import { resetHeader, resetHeaderOf } from './histogramlayout.ts'

/** What a chunk says about its nth sample (upstream `counterResetHint`). Of the first one nothing, however the chunk began:
 *  what lies before it may have been deleted, or added, since. */
export function hintAt(chunk: Uint8Array, n: number): ResetHint {
  if (resetHeaderOf(chunk) === resetHeader.gauge) return resetHint.gauge
  return n > 0 ? resetHint.notReset : resetHint.unknown
}
