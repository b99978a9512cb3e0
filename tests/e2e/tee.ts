import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The series that the tee adds to every body: its value is the slot's number, so that the samples of one scrape
 *  can be found again in any store whatever their timestamps are. */
export const slotSeries = 'brazier_tee_slot'

export interface Tee {
  /** To be scraped by both, every `intervalMs`. */
  readonly url: string
  /** The body of each slot, as it was served. */
  readonly bodies: ReadonlyMap<number, string>
  /** The slots that each scraper has got, by its User-Agent's first word (`Prometheus`, `Mozilla`). */
  readonly seen: ReadonlyMap<string, ReadonlySet<number>>
  /** Waits until two scrapers come, then lays the slots' borders as far from both as can be, so that each of them
   *  asks once in every slot. Answers the number of the first slot that counts. */
  settle(): Promise<number>
  stop(): Promise<void>
}

export interface TeeOptions {
  /** The exporter to record. */
  readonly source: string
  /** Scrape interval of both scrapers, in milliseconds. */
  readonly intervalMs: number
  /** Writes the slot's time to every sample, so that both stores hold equal timestamps too. */
  readonly stamped?: boolean
  /** Wall clock, in milliseconds; `Date.now` by default. */
  readonly now?: () => number
}

/** Two scrapers never see the same body: time passes between them. The tee asks the exporter once per slot of time
 *  and gives every scraper of that slot the same bytes, with the CORS header that a browser needs. */
export async function startTee(options: TeeOptions): Promise<Tee> {
  const { source, intervalMs, stamped = false, now = Date.now } = options
  const bodies = new Map<number, string>()
  const fetched = new Map<number, Promise<string>>()
  const seen = new Map<string, Set<number>>()
  const offsets = new Map<string, number>()
  // Slot `base` begins at `phase`.
  let phase = 0
  let base = 0

  // Until new borders begin to hold, the slot that was running goes on.
  const slotAt = (t: number) => (t < phase ? base - 1 : base + Math.floor((t - phase) / intervalMs))
  async function bodyOf(slot: number, t: number): Promise<string> {
    const response = await fetch(source)
    if (!response.ok) throw new Error(`${source} answered ${response.status}`)
    const text = await response.text()
    const body = `${stamped ? stamp(text, t) : text}${slotSeries} ${slot}${stamped ? ` ${t}` : ''}\n`
    bodies.set(slot, body)
    return body
  }
  function ask(agent: string, t: number): Promise<string> {
    const slot = slotAt(t)
    offsets.set(agent, t % intervalMs)
    seen.set(agent, (seen.get(agent) ?? new Set()).add(slot))
    const body = fetched.get(slot) ?? bodyOf(slot, phase + (slot - base) * intervalMs)
    fetched.set(slot, body)
    return body
  }

  const server = createServer((request, response) => {
    const agent = (request.headers['user-agent'] ?? 'none').split('/')[0] ?? 'none'
    ask(agent, now()).then(body => send(response, 200, body), fail(response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/metrics`,
    bodies,
    seen,
    async settle() {
      while (offsets.size < 2) await new Promise(resolve => setTimeout(resolve, 50))
      const t = now()
      base = slotAt(t) + 1
      const [a = 0, b = 0] = offsets.values()
      const border = farthest(a, b, intervalMs)
      phase = Math.ceil((t + 1 - border) / intervalMs) * intervalMs + border
      return base
    },
    stop: () => close(server),
  }
}

/** The point on a circle of the given length that lies farthest from both `a` and `b`. */
export function farthest(a: number, b: number, length: number): number {
  const [from, to] = a < b ? [a, b] : [b, a]
  const inner = to - from
  const middle = inner > length - inner ? from + inner / 2 : to + (length - inner) / 2
  return Math.round(middle) % length
}

/** Adds a timestamp to every sample line of a text exposition that has none. */
export function stamp(text: string, t: number): string {
  return text.replaceAll(/^(?!#)(\S.*)$/gm, `$1 ${t}`)
}

function send(response: ServerResponse, status: number, body: string): void {
  const headers = {
    'content-type': 'text/plain; version=0.0.4; charset=utf-8',
    'access-control-allow-origin': '*',
  }
  response.writeHead(status, headers).end(body)
}

function fail(response: ServerResponse): (error: unknown) => void {
  return error => send(response, 502, String(error))
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
