import type { EngineService } from '../engine/api/service.ts'
import { toWire } from './errors.ts'
import type { EngineMethod, Outcome } from './protocol.ts'

/** What a client may call, and where its signal goes: behind the arguments of the method. */
const methods: Readonly<Record<EngineMethod, number>> = {
  query: 1,
  queryRange: 1,
  series: 1,
  labelNames: 1,
  labelValues: 2,
  metadata: 0,
  queryProblems: 1,
  formatQuery: 1,
  queryNodes: 1,
  languageTerms: 0,
  targets: 0,
  addTarget: 1,
  removeTarget: 1,
  setProxied: 2,
  diagnose: 1,
  blocks: 0,
  importBlocks: 1,
  openExport: 1,
  readExport: 1,
  closeExport: 1,
  deleteBlock: 1,
  pinBlock: 2,
  storage: 0,
  setBudget: 1,
  compact: 0,
  deleteSeries: 1,
  cleanTombstones: 0,
  snapshot: 1,
  deleteSnapshot: 1,
  status: 0,
  metrics: 0,
}

/** The calls of one client, by the numbers that it gave them. */
export class Calls {
  private readonly running = new Map<number, AbortController>()
  private readonly engine: Promise<EngineService>

  constructor(engine: Promise<EngineService>) {
    this.engine = engine
  }

  async call(id: number, method: EngineMethod, args: readonly unknown[]): Promise<Outcome> {
    const controller = new AbortController()
    this.running.set(id, controller)
    try {
      return { ok: true, value: await invoke(await this.engine, method, args, controller.signal) }
    } catch (error) {
      return { ok: false, error: toWire(error) }
    } finally {
      this.running.delete(id)
    }
  }

  cancel(id: number): void {
    this.running.get(id)?.abort(new DOMException('the call was cancelled', 'AbortError'))
  }

  /** The client has gone: nobody waits for any of them. */
  cancelAll(): void {
    for (const id of this.running.keys()) this.cancel(id)
  }
}

function invoke(
  engine: EngineService,
  method: EngineMethod,
  args: readonly unknown[],
  signal: AbortSignal,
): Promise<unknown> {
  // What arrives was written by a page that may be of another build.
  const arity = Object.hasOwn(methods, method) ? methods[method] : undefined
  if (arity === undefined || args.length !== arity) {
    throw new TypeError(`the engine has no method ${method} with ${args.length} arguments`)
  }
  signal.throwIfAborted()
  const acts = engine as unknown as Record<EngineMethod, (...all: readonly unknown[]) => Promise<unknown>>
  return acts[method](...args, signal)
}

/** The buffers behind the typed arrays of an answer, or behind an answer that is one. They can be handed over instead
 *  of copied, since an answer belongs to whoever asked. */
export function buffersOf(answer: unknown): ArrayBuffer[] {
  if (typeof answer !== 'object' || answer === null) return []
  if (ArrayBuffer.isView(answer)) return wholeBuffer(answer)
  const found = new Set<ArrayBuffer>()
  for (const value of Object.values(answer)) {
    if (ArrayBuffer.isView(value) && value.buffer instanceof ArrayBuffer) found.add(value.buffer)
  }
  return [...found]
}

/** A piece of an archive may lie in a larger buffer, and the rest of that is not the client's: then it is copied. */
function wholeBuffer({ buffer, byteLength }: ArrayBufferView): ArrayBuffer[] {
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : []
}
