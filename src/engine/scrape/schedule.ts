/** The slots of a target are the times offset + n · interval, counted from the epoch: they stay where they are
 *  over restarts, and those of many targets spread over the interval. Milliseconds. */
export interface Schedule {
  readonly intervalMs: number
  /** In [0, intervalMs). */
  readonly offsetMs: number
}

/** @param hash even over all targets, from the target alone (upstream's `Target.offset`) */
export function scheduleOf(intervalMs: number, hash: number): Schedule {
  return { intervalMs, offsetMs: hash % intervalMs }
}

/** The first slot after `t`. */
export function slotAfter({ intervalMs, offsetMs }: Schedule, t: number): number {
  return Math.floor((t - offsetMs) / intervalMs) * intervalMs + offsetMs + intervalMs
}

/** How far off its slot a scrape may start and still carry the slot's time, at most 1 % of the interval. Samples
 *  on a grid take a third less space. Upstream allows 2 ms at most; timers of browsers need more. */
function toleranceOf(schedule: Schedule): number {
  return schedule.intervalMs / 100
}

/** What to do now: scrape, with samples at `t`, or wait for a slot. */
export type Step =
  | { readonly kind: 'scrape'; readonly slot: number; readonly t: number }
  | { readonly kind: 'wait'; readonly slot: number }

/** Decides at `now` about the slot that is next. A slot that is late by less than an interval is scraped with the
 *  time it really is. After a longer gap (a laptop that slept, a clock that was set) the slots in between are
 *  gone, and it goes on with the one that comes. */
export function nextStep(schedule: Schedule, slot: number, now: number): Step {
  const { intervalMs } = schedule
  const tolerance = toleranceOf(schedule)
  if (Math.abs(now - slot) <= tolerance) return { kind: 'scrape', slot, t: slot }
  if (now > slot && now - slot < intervalMs) return { kind: 'scrape', slot, t: now }
  if (now < slot && slot - now <= intervalMs + tolerance) return { kind: 'wait', slot }
  const next = slotAfter(schedule, now)
  const passed = next - intervalMs
  return now - passed <= tolerance
    ? { kind: 'scrape', slot: passed, t: passed }
    : { kind: 'wait', slot: next }
}
