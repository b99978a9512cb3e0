import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { cdp } from 'vitest/browser'
import { openMounted } from '../../src/disks/mounted.ts'
import { DiskFullError, stagingSuffix, type Disk } from '../../src/engine/disk/disk.ts'
import { clear, databasesOf, freshScope, mountedCases, placesOf, type Finished } from './mountedcases.ts'
import type { Answer, Order } from './mounted.worker.ts'

/** A worker that runs cases. Errors of the worker itself are failures of the case that is running. */
interface CaseWorker {
  ask(order: Order): Promise<Answer>
  stop(): void
}

function dedicated(): CaseWorker {
  const worker = new Worker(new URL('./mounted.worker.ts', import.meta.url), { type: 'module' })
  return { ask: order => ask(worker, worker, order), stop: () => worker.terminate() }
}

function shared(): CaseWorker {
  const worker = new SharedWorker(new URL('./mounted.worker.ts', import.meta.url), { type: 'module' })
  return { ask: order => ask(worker.port, worker, order), stop: () => worker.port.close() }
}

function ask(port: Worker | MessagePort, worker: Worker | SharedWorker, order: Order): Promise<Answer> {
  return new Promise((resolve, reject) => {
    port.onmessage = ({ data }: MessageEvent<Answer>) => resolve(data)
    worker.onerror = (event: ErrorEvent) => reject(new Error(`the worker failed: ${event.message}`))
    port.postMessage(order)
  })
}

describe.each<[place: string, finished: Finished, start: () => CaseWorker]>([
  ['shared', 'opfs', shared],
  ['dedicated', 'opfs', dedicated],
  ['dedicated', 'indexeddb', dedicated],
])('the disk in a %s worker with finished files in %s', (place, finished, start) => {
  const worker = start()
  afterAll(() => worker.stop())
  mountedCases(finished).forEach(({ name }, index) => {
    test(name, async () => {
      expect(await worker.ask({ kind: 'run', finished, index })).toEqual({ place, failure: null })
    })
  })
})

test.each<Finished>(['opfs', 'indexeddb'])(
  'a worker that dies while it writes to %s leaves what is published and nothing else',
  async finished => {
    const scope = freshScope()
    const worker = dedicated()
    expect(await worker.ask({ kind: 'leave open', finished, scope })).toMatchObject({ failure: null })
    worker.stop()
    // The browser takes its time to let go of what the worker had open.
    await vi.waitFor(async () => {
      const disk = await openMounted({ scope, finished })
      expect(await disk.list('')).toEqual(['A'])
      expect((await disk.read('A/index')).length).toBe(1000)
      await disk.close()
      expect([await placesOf(scope), await databasesOf(scope)].flat()).toHaveLength(3)
    }, 60_000)
    await clear(scope)
  },
)

describe('a full quota', () => {
  const session = cdp() as unknown as {
    send(method: string, params: object): Promise<{ usage: number }>
  }
  const { origin } = location
  /** Leaves room for so many bytes; without a number as much as there is. */
  const leave = async (room?: number) => {
    const { usage } = await session.send('Storage.getUsageAndQuota', { origin })
    const limit = room === undefined ? {} : { quotaSize: usage + room }
    await session.send('Storage.overrideQuotaForOrigin', { origin, ...limit })
  }
  const scope = freshScope()
  const opened: Disk[] = []
  afterEach(async () => {
    await leave()
    for (const disk of opened.splice(0)) await disk.close()
    await clear(scope)
  })

  test('throws DiskFullError, writes nothing of it, and removing a file makes room', async () => {
    const disk = await openMounted({ scope })
    opened.push(disk)
    await disk.append('old', 0, noise(2_000_000), 'strict')
    await disk.append('new', 0, noise(100), 'strict')
    // Several times what the browser's own books take, more or less, from one moment to the next.
    await leave(6_000_000)
    await expect(fillBlock(disk, 30_000_000)).rejects.toThrow(DiskFullError)
    let at = 100
    // Chromium asks how much room there is every 30 s, and counts down in between.
    const fill = async () => {
      for (const end = Date.now() + 120_000; Date.now() < end; at += 1_000_000) {
        await disk.append('new', at, noise(1_000_000), 'relaxed')
        await new Promise(resolve => setTimeout(resolve, 500))
      }
    }
    await expect(fill()).rejects.toThrow(DiskFullError)
    expect(await disk.size('new')).toBe(at)
    expect((await disk.read('new')).length).toBe(at)
    await expect(disk.append('created', 0, noise(30_000_000), 'relaxed')).rejects.toThrow(DiskFullError)
    await expect(fillBlock(disk, 30_000_000)).rejects.toThrow(DiskFullError)
    expect(await disk.list('')).toEqual(['new', 'old'])
    expect(await placesOf(scope)).toEqual([])
    await disk.remove('new')
    // The browser takes its time to count what has gone, a multiple of it on a busy machine.
    const append = () => disk.append('old', 2_000_000, noise(500_000), 'relaxed')
    await vi.waitFor(append, { timeout: 240_000, interval: 500 })
    expect((await disk.read('old')).length).toBe(2_500_000)
    await leave()
    await fillBlock(disk, 5_000_000)
    expect(await disk.size('A/chunks')).toBe(5_000_000)
  }, 480_000)
})

/** Publishes a block of so many bytes; gives it up when that fails. */
async function fillBlock(disk: Disk, size: number): Promise<void> {
  const from = `A${stagingSuffix}`
  const writer = await disk.create(`${from}/chunks`)
  try {
    for (let at = 0; at < size; at += 500_000) await writer.write(noise(500_000))
    await writer.close()
  } catch (error) {
    await writer.abort()
    throw error
  }
  await disk.publish([{ from, to: 'A' }])
}

/** Bytes that cannot be compressed. */
function noise(length: number): Uint8Array {
  const all = new Uint8Array(length)
  for (let at = 0; at < length; at += 65_536) crypto.getRandomValues(all.subarray(at, at + 65_536))
  return all
}
