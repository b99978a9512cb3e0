// Every message that crosses between a tab, the engine's worker and the Service Worker.
//
//   tab ── Door, by comlink, over a port or a channel of their own ──▶ engine      calls
//   tab ◀──────────── Notice, over one channel for all ───────────▶ engine      who is there, who has to go
//   Service Worker ◀────────── ApiMessage, over another ──────────▶ engine      the HTTP API
import type { EngineService } from '../engine/api/service.ts'

/** Changes whenever page and engine of different builds would misunderstand each other. */
export const protocol = 2

/** What an engine says of itself. */
export interface Hello {
  readonly engineId: string
  readonly build: number
  readonly protocol: number
  readonly host: 'shared' | 'dedicated'
  /** Name of its worker. */
  readonly worker: string
  /** When it took the lock, milliseconds since the epoch: of two that answer, the later one is in its right. */
  readonly since: number
}

/** The engine as a tab reaches it. Over comlink errors lose all but their text, hence outcomes. */
export interface Door {
  /** Answers once the engine is open. Names the tab, whose calls end when its lock is released. */
  hello(tab: string): Promise<Hello>
  call(id: number, method: EngineMethod, args: readonly unknown[]): Promise<Outcome>
  cancel(id: number): void
}

export type EngineMethod = keyof EngineService

export type Outcome =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: WireError }

/** An error with what its class adds to it. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** Of a `QueryError`: its type and span. Of a `SyntaxProblem`: line and column. */
  readonly fields: Readonly<Record<string, unknown>>
}

export type Notice =
  /** A tab asks who holds the lock. */
  | { readonly kind: 'who' }
  /** The holder of the lock, when asked and when it opens. It takes calls when `open`. */
  | { readonly kind: 'engine'; readonly open: boolean; readonly hello: Hello }
  /** A tab that has no port asks the engine to listen at this `Names.door`. */
  | { readonly kind: 'join'; readonly engineId: string; readonly door: string }
  | { readonly kind: 'joined'; readonly door: string }
  /** A worker of this build wants the lock: an older engine has to let go of it. */
  | { readonly kind: 'retire'; readonly build: number }
  /** The engine makes room for that build. */
  | { readonly kind: 'retired'; readonly engineId: string; readonly build: number }
  /** An error that nobody caught in the worker, where no console shows it. */
  | { readonly kind: 'failure'; readonly message: string }

export type ApiMessage =
  | { readonly kind: 'request'; readonly id: string; readonly request: WireRequest }
  /** Status, headers and the first piece of the body. */
  | { readonly kind: 'answer'; readonly id: string; readonly head: WireHead; readonly piece: Piece }
  /** The receiver has room for another piece. */
  | { readonly kind: 'more'; readonly id: string }
  | { readonly kind: 'piece'; readonly id: string; readonly piece: Piece }
  /** The body ends here, by an error. */
  | { readonly kind: 'broken'; readonly id: string; readonly message: string }
  /** Nobody waits for the rest. */
  | { readonly kind: 'stop'; readonly id: string }

export interface WireRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: ArrayBuffer | null
}

export interface WireHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

export interface Piece {
  readonly bytes: Uint8Array
  readonly last: boolean
}

/** Bytes of a piece at most. */
export const pieceBytes = 1024 * 1024
/** Firefox cuts answers of a Service Worker at 30 s; until then an answer must be complete. */
export const apiTimeoutMs = 25_000
