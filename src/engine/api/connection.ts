import type { EngineService } from './service.ts'

/** Where a client stands with the engine. `waiting`: none answers yet, or the last one has died and the next is
 *  starting; `outdated`: a newer version of the page runs in another tab and this one must be loaded anew. */
export type Connection =
  | { readonly state: 'waiting' }
  | { readonly state: 'ready'; readonly engineId: string; readonly host: 'shared' | 'dedicated' }
  | { readonly state: 'outdated' }

/** The engine as the page sees it. Calls made while no engine answers wait for the next one; calls that the
 *  death of an engine interrupts reject with `EngineGoneError`. */
export interface EngineClient extends EngineService {
  /** Tells where the client stands, at once and at every change; answers a function that ends it. */
  watch(listener: (connection: Connection) => void): () => void
}

/** The engine ended during the call; whether it had an effect is not known. */
export class EngineGoneError extends Error {
  override readonly name = 'EngineGoneError'
  constructor() {
    super('the engine ended before it answered')
  }
}
