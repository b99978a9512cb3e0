// Counters that tell when they began: a start timestamp beside each sample, milliseconds, 0 where it is not known (upstream's
// feature `use-start-timestamps`).

/** Whether a counter began anew between two samples (upstream `isStartTimestampReset`). A start at the sample's own time or
 *  later says nothing. */
function isNewStart(previousStart: number, previousT: number, start: number, t: number): boolean {
  if (start === 0 || start >= t || start < previousT) return false
  if (start > previousT) return true
  // It began where the sample before was taken. That is each one's own interval, unless the one before did not know when
  // it began: then it is the same counter still.
  return previousStart <= previousT && previousStart !== 0 && previousStart !== previousT
}

/** Whether a counter says that it began before the sample in front of it was taken, and is not the same (upstream
 *  `checkStartTimeOverlap`). */
export function overlaps(previousStart: number, previousT: number, start: number): boolean {
  return start !== 0 && start < previousT && start !== previousStart
}

interface Started {
  readonly t: Float64Array
  readonly starts: Float64Array | null
}

/** Whether sample i began anew after sample i - 1. */
export function startsAnew({ t, starts }: Started, i: number): boolean {
  if (starts === null) return false
  return isNewStart(starts[i - 1] as number, t[i - 1] as number, starts[i] as number, t[i] as number)
}
