// Runs cases for the page that reports them, as a shared worker or a dedicated one.
import { openMounted } from '../../src/disks/mounted.ts'
import { stagingSuffix } from '../../src/engine/disk/disk.ts'
import { mountedCases, stage, type Finished } from './mountedcases.ts'

export type Order =
  | { readonly kind: 'run'; readonly finished: Finished; readonly index: number }
  /** Answers when a store is in the middle of everything, and leaves it there. */
  | { readonly kind: 'leave open'; readonly finished: Finished; readonly scope: string }
export interface Answer {
  /** Where it was run. */
  readonly place: string
  readonly failure: string | null
}

const suites = { opfs: mountedCases('opfs'), indexeddb: mountedCases('indexeddb') }

async function follow(order: Order): Promise<void> {
  if (order.kind === 'run') return suites[order.finished][order.index]?.run()
  const disk = await openMounted(order)
  await stage(disk, 'A')
  await disk.publish([{ from: `A${stagingSuffix}`, to: 'A' }])
  await stage(disk, 'B')
  const writer = await disk.create(`B${stagingSuffix}/chunks`)
  await writer.write(new Uint8Array(700_000))
}

interface Port {
  onmessage: ((event: MessageEvent<Order>) => void) | null
  postMessage(answer: Answer): void
}

function serve(port: Port): void {
  port.onmessage = ({ data }) => {
    const place = 'SharedWorkerGlobalScope' in globalThis ? 'shared' : 'dedicated'
    follow(data).then(
      () => port.postMessage({ place, failure: null }),
      (error: unknown) => port.postMessage({ place, failure: textOf(error) }),
    )
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error)
}

if ('SharedWorkerGlobalScope' in globalThis) {
  self.addEventListener('connect', event => serve((event as MessageEvent).ports[0] as MessagePort))
} else {
  serve(self)
}
