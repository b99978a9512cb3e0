import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from '@playwright/test'
import { WorkerProbe } from './browser.ts'

/** What an engine has said to be safe: the bits of the value, by series and time. */
export type Told = ReadonlyMap<string, string>

/** A server outside the browser that hears of every sample once the engine's log has it. What it was told must
 *  be there after any death of the engine. */
export interface Witness {
  readonly url: string
  readonly told: Told
  stop(): Promise<void>
}

export async function startWitness(): Promise<Witness> {
  const told = new Map<string, string>()
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const rows = JSON.parse(Buffer.concat(parts).toString()) as [string, string][]
      for (const [at, bits] of rows) told.set(at, bits)
      response.writeHead(204, { 'access-control-allow-origin': '*' }).end()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    told,
    stop: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** Runs in the engine's worker: reports every committed sample of the target's job to the witness. */
function reportCommits(witness: string): string {
  return `(async () => {
    const engine = await globalThis.brazier.engine
    const float = new Float64Array(1), words = new BigUint64Array(float.buffer)
    engine.onCommit(({ count, refs, t, v, stale, labels }) => {
      const rows = []
      for (let i = 0; i < count; i++) {
        const set = labels(refs[i])
        if (stale?.[i] || set[set.indexOf('job') + 1] !== 'survivor') continue
        float[0] = v[i]
        rows.push([JSON.stringify(set) + ' ' + t[i], words[0].toString(16)])
      }
      fetch('${witness}', { method: 'POST', mode: 'no-cors', body: JSON.stringify(rows) }).catch(() => {})
    })
    return true
  })()`
}

export type Mode = 'shared' | 'dedicated'

/** The engine of a page from inside, in either mode. */
export interface EngineProbe {
  report(witness: Witness): Promise<void>
  /** Ends the worker as the browser would. */
  end(): Promise<void>
}

export async function probe(mode: Mode, browser: Browser, page: Page): Promise<EngineProbe> {
  if (mode === 'shared') {
    const attach = () => WorkerProbe.attach(browser, new URL('engine.js', page.url()).href)
    return {
      report: async ({ url }) => {
        const worker = await attach()
        await worker.evaluate(reportCommits(url))
        await worker.detach()
      },
      end: async () => (await attach()).end(),
    }
  }
  const find = () => page.workers().find(worker => worker.url().includes('engine.js'))
  const worker = find() ?? (await page.waitForEvent('worker'))
  return {
    report: async ({ url }) => {
      await worker.evaluate(reportCommits(url))
    },
    end: async () => {
      const closed = new Promise(resolve => worker.once('close', resolve))
      // The browser ends a dedicated worker only with its page; from inside it is as sudden.
      await worker.evaluate('setTimeout(() => self.close())')
      await closed
    },
  }
}

/** Every sample of the job in the store, as the witness is told of it. */
export async function stored(page: Page, since: number): Promise<Told> {
  const rows = await page.evaluate(async from => {
    const now = Date.now()
    const seconds = Math.ceil((now - from) / 1000) + 60
    const query = { expr: `{job="survivor"}[${seconds}s]`, time: now + 5000 }
    const answer = await globalThis.brazier?.client.query(query)
    if (answer?.kind !== 'samples') throw new Error(`want samples, have ${String(answer?.kind)}`)
    const { labels, offsets, t, v } = answer
    const float = new Float64Array(1)
    const words = new BigUint64Array(float.buffer)
    return labels.flatMap((set, i) => {
      const found: [string, string][] = []
      for (let k = offsets[i] ?? 0; k < (offsets[i + 1] ?? 0); k++) {
        float[0] = v[k] ?? NaN
        found.push([`${JSON.stringify(set)} ${t[k] ?? NaN}`, (words[0] ?? 0n).toString(16)])
      }
      return found
    })
  }, since)
  return new Map(rows)
}

/** What the witness was told and the store does not have, or has otherwise. */
export function lost(told: Told, found: Told): string[] {
  return [...told]
    .filter(([at, bits]) => found.get(at) !== bits)
    .map(([at]) => `${at}: have ${found.get(at) ?? 'none'}`)
}
