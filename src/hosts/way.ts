import { releaseProxy, wrap, type Endpoint, type Remote } from 'comlink'
import type { Door } from './protocol.ts'

/** A way to the engine, and how to leave it. */
export interface Way {
  readonly door: Remote<Door>
  close(): void
}

/** @param close closes the endpoint */
export function wayOver(endpoint: Endpoint, close: () => void): Way {
  const door = wrap<Door>(endpoint)
  let closed = false
  return {
    door,
    close() {
      if (closed) return
      closed = true
      // Otherwise comlink does so when the door is collected as garbage, and fails, because a closed channel throws.
      door[releaseProxy]()
      close()
    },
  }
}
