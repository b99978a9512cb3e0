/** What the engine needs of the platform it runs on. It is handed in, so that the engine runs in a worker, in
 *  Node and, with a clock that a test moves, through a day in a moment. */
export interface Host {
  /** Wall clock: milliseconds since the epoch, an integer. */
  now(): number
  /** A clock that never jumps: milliseconds since any moment, with fractions. */
  monotonic(): number
  /** Calls back once after `ms` milliseconds; answers a function that prevents it. */
  after(ms: number, callback: () => void): () => void
  /** Lets other tasks of the thread run. */
  yield(): Promise<void>
  /** The network. Throws `TypeError` when no answer can be had or read, the signal's reason when aborted. */
  fetch(url: string, init: FetchInit): Promise<Response>
  /** In [0, 1). */
  random(): number
  /** Bytes that a store may use unless the user says otherwise: the size of the file system, or what is sensible where
   *  nobody tells. */
  capacity(): Promise<number>
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, string | number>>): void
}

export interface FetchInit {
  /** GET when it is missing. */
  readonly method?: 'GET' | 'POST'
  readonly body?: string | null
  readonly headers?: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  /** `no-cors` tells whether anything answers at all: its response is opaque. */
  readonly mode?: 'cors' | 'no-cors'
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
