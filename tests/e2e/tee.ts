import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The series that the tee adds to every body: its value is the slot's number, so that the samples of one scrape
 *  can be found again in any store whatever their timestamps are. */
export const slotSeries = 'brazier_tee_slot'

export interface Tee {
  /** To be scraped by both. */
  readonly url: string
  stop(): Promise<void>
}

export interface TeeOptions {
  /** The exporter to record. */
  readonly source: string
  /** Writes a time to every sample, so that both stores hold equal timestamps too: that of the tee's start plus
   *  this many milliseconds for each slot. */
  readonly stampEveryMs?: number
  /** Wall clock, in milliseconds; `Date.now` by default. */
  readonly now?: () => number
}

/** Two scrapers never see the same body: time passes between them. The tee records one body of the exporter per
 *  slot, and gives every scraper the next one each time it asks, the newest when it asks for the first time. Slots
 *  are counted by scrapes and not cut from time, so that none is lost to a scraper that was held up. */
export async function startTee(options: TeeOptions): Promise<Tee> {
  const { source, stampEveryMs, now = Date.now } = options
  const bodies: Promise<string>[] = []
  /** The slot that each scraper gets next, by its User-Agent's first word (`Prometheus`, `Mozilla`). */
  const next = new Map<string, number>()
  const began = now()

  async function bodyOf(slot: number): Promise<string> {
    const response = await fetch(source)
    if (!response.ok) throw new Error(`${source} answered ${response.status}`)
    const body = `${await response.text()}${slotSeries} ${slot}\n`
    return stampEveryMs === undefined ? body : stamp(body, began + slot * stampEveryMs)
  }
  function ask(agent: string): Promise<string> {
    const slot = next.get(agent) ?? Math.max(0, bodies.length - 1)
    next.set(agent, slot + 1)
    return (bodies[slot] ??= bodyOf(slot))
  }

  const server = createServer((request, response) => {
    const agent = (request.headers['user-agent'] ?? 'none').split('/')[0] ?? 'none'
    ask(agent).then(body => send(response, 200, body), fail(response))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/metrics`, stop: () => close(server) }
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
