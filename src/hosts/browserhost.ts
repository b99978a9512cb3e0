import type { Host, LogLevel } from '../engine/model/host.ts'

/** Longest delay that `setTimeout` takes; a longer one would fire at once. */
const longestMs = 2 ** 31 - 1

/** The quota of `navigator.storage.estimate()` would be no answer: browsers make it up, some from the whole disk and
 *  some from a constant, so that no site learns how large the disk is, and none of it is promised. What a tab may take
 *  of somebody's disk unasked is a matter of manners. */
const unaskedBytes = 10 * 1024 ** 3

/** What a browser's worker gives the engine. */
export function browserHost(): Host {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(ms, callback) {
      const timer = setTimeout(callback, Math.min(ms, longestMs))
      return () => clearTimeout(timer)
    },
    yield: turnOfTasks(),
    fetch: (url, { method = 'GET', body = null, headers = {}, signal, mode = 'cors' }) =>
      fetch(url, {
        method,
        body,
        headers: { ...headers },
        signal,
        mode,
        cache: 'no-store',
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
      }),
    random: () => Math.random(),
    capacity: async () => unaskedBytes,
    log,
  }
}

/** A message to oneself stands in line behind what has arrived. `scheduler.yield` would be served before it: a call
 *  could not be cancelled while it is being worked on. */
function turnOfTasks(): () => Promise<void> {
  const { port1, port2 } = new MessageChannel()
  const waiting: (() => void)[] = []
  port1.onmessage = () => waiting.shift()?.()
  return () =>
    new Promise(resolve => {
      waiting.push(resolve)
      port2.postMessage(null)
    })
}

function log(level: LogLevel, message: string, fields: Readonly<Record<string, string | number>> = {}): void {
  console[level](message, fields)
}
