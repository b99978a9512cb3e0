import type { Host } from '../engine/model/host.ts'

/** A host for scripts: real time, so that a query that never ends runs into its timeout; no network, and the same
 *  chance in every run. */
export const scriptHost: Host = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms)
    return () => clearTimeout(timer)
  },
  yield: () => new Promise(resolve => setTimeout(resolve)),
  fetch: url => Promise.reject(new TypeError(`no network for ${url}`)),
  random: () => 0.5,
  // No script writes so much.
  capacity: async () => 10 * 1024 ** 3,
  // What matters to a script is in its answers.
  log: () => undefined,
}
