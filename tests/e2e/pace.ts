import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

const wantedMs = 20

/** How many times longer a short wait takes than it should: 1 on a machine that is there for the tests, several on
 *  one that shares its processors. Limits in seconds of a person's time are stretched by it, and it is reported
 *  beside what was measured. */
export async function slowness(): Promise<number> {
  const waits: number[] = []
  for (let i = 0; i < 25; i++) {
    const before = performance.now()
    await sleep(wantedMs)
    waits.push(performance.now() - before)
  }
  const median = waits.sort((a, b) => a - b)[12] ?? wantedMs
  // A timer that is a little late is no sign of anything.
  return median < 1.25 * wantedMs ? 1 : median / wantedMs
}
