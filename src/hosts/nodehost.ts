import { statfs } from 'node:fs/promises'
import type { FetchInit, Host, LogLevel } from '../engine/model/host.ts'
import { quote } from '../engine/model/labels.ts'

/** Longest delay that `setTimeout` takes; a longer one would fire at once. */
const longestMs = 2 ** 31 - 1

export interface NodeHostOptions {
  /** How targets are told who asks. */
  readonly userAgent: string
  /** Of the data. */
  readonly folder: string
  /** Takes the log, line by line. */
  readonly write: (line: string) => void
}

/** What Node gives the engine. Its timers don't keep the process alive. */
export function nodeHost({ userAgent, folder, write }: NodeHostOptions): Host {
  return {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    after(ms, callback) {
      const timer = setTimeout(callback, Math.min(ms, longestMs)).unref()
      return () => clearTimeout(timer)
    },
    yield: () => new Promise(resolve => setImmediate(resolve)),
    fetch: (url, init) => fetchUntilAborted(url, { ...init, headers: withAgent(init, userAgent) }),
    random: () => Math.random(),
    capacity: () => fileSystemBytes(folder),
    log(level, message, fields = {}) {
      if (level !== 'debug') write(logLine(new Date(), level, message, fields))
    },
  }
}

/** A file system that does not know its size says 0, which must not read as no room at all. */
async function fileSystemBytes(folder: string): Promise<number> {
  const { bsize, blocks } = await statfs(folder)
  return bsize * blocks || Number.MAX_SAFE_INTEGER
}

function withAgent({ headers = {} }: FetchInit, userAgent: string): Record<string, string> {
  return { 'user-agent': userAgent, ...headers }
}

/** Node 20 has fetches that never settle, aborted or not: the signal itself ends the waiting. */
function fetchUntilAborted(
  url: string,
  { method = 'GET', body = null, headers = {}, signal, mode = 'cors' }: FetchInit,
): Promise<Response> {
  // Nothing is hidden here: what could not be read did not answer.
  if (mode === 'no-cors') return Promise.reject(new TypeError('there is no CORS in Node'))
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(signal.reason as Error)
    }
    if (signal.aborted) abort()
    else signal.addEventListener('abort', abort, { once: true })
    fetch(url, { method, body, headers: { ...headers }, signal })
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', abort))
  })
}

/** A line in logfmt, as Prometheus writes it. */
function logLine(
  time: Date,
  level: LogLevel,
  message: string,
  fields: Readonly<Record<string, string | number>>,
): string {
  const own = [
    ['time', time.toISOString()],
    ['level', level.toUpperCase()],
    ['msg', message],
  ] as const
  return [...own, ...Object.entries(fields)].map(([key, value]) => `${key}=${shown(String(value))}`).join(' ')
}

/** Quoted as Go's slog does: when it is empty or would not read as one word. */
function shown(text: string): string {
  return text === '' || /[\s"=\p{C}]/u.test(text) ? quote(text) : text
}
