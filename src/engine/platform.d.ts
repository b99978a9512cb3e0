// The part of the web platform that every host has (browsers, workers, Node ≥ 20). The engine is compiled
// against this file instead of the DOM's or Node's types, so that it cannot use what only one of them offers.
// Nothing here reads a clock, draws chance or opens a connection: those come from the `Host`.

interface AbortSignal {
  readonly aborted: boolean
  readonly reason: unknown
  throwIfAborted(): void
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  removeEventListener(type: 'abort', listener: () => void): void
}
declare const AbortSignal: {
  any(signals: readonly AbortSignal[]): AbortSignal
}
declare class AbortController {
  readonly signal: AbortSignal
  abort(reason?: unknown): void
}

declare class TextEncoder {
  encode(text?: string): Uint8Array<ArrayBuffer>
  encodeInto(text: string, target: Uint8Array): { read: number; written: number }
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean })
  decode(bytes?: Uint8Array | ArrayBuffer, options?: { stream?: boolean }): string
}

declare class URLSearchParams {
  constructor(init?: string | Record<string, string>)
  get(name: string): string | null
  getAll(name: string): string[]
  has(name: string): boolean
  append(name: string, value: string): void
  set(name: string, value: string): void
  toString(): string
  [Symbol.iterator](): IterableIterator<[string, string]>
}
declare class URL {
  constructor(url: string, base?: string)
  href: string
  protocol: string
  host: string
  hostname: string
  port: string
  pathname: string
  search: string
  readonly origin: string
  readonly searchParams: URLSearchParams
  toString(): string
}

declare class Headers {
  constructor(init?: Record<string, string>)
  get(name: string): string | null
  set(name: string, value: string): void
  has(name: string): boolean
  forEach(callback: (value: string, name: string) => void): void
}
interface ReadableStreamDefaultReader<R> {
  read(): Promise<{ done: false; value: R } | { done: true; value?: R }>
  cancel(reason?: unknown): Promise<void>
}
interface ReadableStreamDefaultController<R> {
  enqueue(chunk: R): void
  close(): void
}
declare class ReadableStream<R = unknown> {
  constructor(source: {
    pull(controller: ReadableStreamDefaultController<R>): void | Promise<void>
    cancel?(reason?: unknown): void | Promise<void>
  })
  getReader(): ReadableStreamDefaultReader<R>
  pipeThrough<T>(pair: {
    readonly readable: ReadableStream<T>
    readonly writable: WritableStream<R>
  }): ReadableStream<T>
  cancel(reason?: unknown): Promise<void>
}
interface WritableStream<W = unknown> {
  getWriter(): {
    write(chunk: W): Promise<void>
    close(): Promise<void>
    abort(reason?: unknown): Promise<void>
  }
}
/** Both ends of a transformation of bytes. */
interface ByteTransform {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>
  readonly writable: WritableStream<Uint8Array>
}
declare const CompressionStream: new (format: 'gzip' | 'deflate-raw') => ByteTransform
declare const DecompressionStream: new (format: 'gzip' | 'deflate-raw') => ByteTransform
/** Bytes of somewhere else, read when they are asked for: a file that the user chose. */
interface Blob {
  readonly size: number
  slice(from?: number, to?: number): Blob
  arrayBuffer(): Promise<ArrayBuffer>
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>
}
type BodyInit = string | Uint8Array | ArrayBuffer | ReadableStream | URLSearchParams
declare class Request {
  constructor(
    url: string,
    init?: { method?: string; headers?: Record<string, string>; body?: BodyInit | null },
  )
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly signal: AbortSignal
  text(): Promise<string>
}
declare class Response {
  constructor(body?: BodyInit | null, init?: { status?: number; headers?: Record<string, string> })
  readonly ok: boolean
  readonly status: number
  readonly statusText: string
  readonly type: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  text(): Promise<string>
  json(): Promise<unknown>
  arrayBuffer(): Promise<ArrayBuffer>
}
