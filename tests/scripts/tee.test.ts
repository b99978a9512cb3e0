import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { farthest, slotSeries, stamp, startTee } from '../e2e/tee.ts'

const ends: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** An exporter that never says the same twice. */
async function counting(): Promise<string> {
  let n = 0
  const server = createServer((_request, response) => response.end(`asked_total ${++n}\n`))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

async function scrape(url: string, agent: string): Promise<string> {
  const response = await fetch(url, { headers: { 'user-agent': `${agent}/1.0` } })
  expect(response.headers.get('access-control-allow-origin')).toBe('*')
  return response.text()
}

const slotOf = (body: string) => Number(new RegExp(`^${slotSeries} (\\d+)`, 'm').exec(body)?.[1])

test('all scrapers of one slot get the same bytes, of the next slot others', async () => {
  let t = 0
  const tee = await startTee({ source: await counting(), intervalMs: 1000, now: () => t })
  ends.push(tee.stop)
  const served: string[][] = []
  for (t of [0, 999, 1000, 1500, 5200, 5999])
    served.push(await Promise.all([scrape(tee.url, 'Prometheus'), scrape(tee.url, 'Mozilla')]))
  expect(served.map(pair => pair.map(slotOf))).toEqual([0, 0, 1, 1, 5, 5].map(slot => [slot, slot]))
  const bodies = new Set(served.flat())
  expect(bodies.size).toBe(3)
  expect([...tee.bodies.values()]).toEqual([...bodies])
})

test('borders are laid where neither scraper comes, and slots and stamps go on upwards', async () => {
  let t = 0
  const tee = await startTee({ source: await counting(), intervalMs: 1000, stamped: true, now: () => t })
  ends.push(tee.stop)
  const last: Record<string, number> = {}
  async function scrapeAt(time: number, agent: string): Promise<number> {
    t = time
    const body = await scrape(tee.url, agent)
    const stamp = Number(/ (\d+)\n$/.exec(body)?.[1])
    expect(stamp).toBeGreaterThanOrEqual(last[agent] ?? 0)
    last[agent] = stamp
    return slotOf(body)
  }
  // One comes right at the border, once a little early, once a little late.
  await scrapeAt(1990, 'Prometheus')
  await scrapeAt(2350, 'Mozilla')
  t = 2400
  const first = await tee.settle()
  expect(first).toBe(3)
  const late = [3010, 3990, 5010, 5995, 7000]
  for (const [i, time] of late.entries()) {
    expect(await scrapeAt(time, 'Prometheus')).toBe(first + i)
    expect(await scrapeAt(time + 350, 'Mozilla')).toBe(first + i)
  }
})

test('stamped samples carry the time of their slot', async () => {
  const tee = await startTee({ source: await counting(), intervalMs: 200, stamped: true, now: () => 1700 })
  ends.push(tee.stop)
  expect(await scrape(tee.url, 'Mozilla')).toBe(`asked_total 1 1600\n${slotSeries} 8 1600\n`)
})

test('a failing exporter fails the scrape', async () => {
  const server = createServer((_request, response) => response.writeHead(500).end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => void server.close())
  const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const tee = await startTee({ source, intervalMs: 1000 })
  ends.push(tee.stop)
  expect((await fetch(tee.url)).status).toBe(502)
})

test.each([
  ['a 1\n', 'a 1 7\n'],
  ['# HELP a b\na{x="y z"} 1', '# HELP a b\na{x="y z"} 1 7'],
  ['\n\na 1\n', '\n\na 1 7\n'],
])('%j is stamped %j', (text, stamped) => {
  expect(stamp(text, 7)).toBe(stamped)
})

test('the border is at least a quarter away from both', () => {
  const length = 1000
  const distance = (a: number, b: number) => Math.min(Math.abs(a - b), length - Math.abs(a - b))
  const offset = fc.integer({ min: 0, max: length - 1 })
  fc.assert(
    fc.property(offset, offset, (a, b) => {
      const border = farthest(a, b, length)
      expect(border).toBeGreaterThanOrEqual(0)
      expect(border).toBeLessThan(length)
      expect(Math.min(distance(border, a), distance(border, b))).toBeGreaterThanOrEqual(length / 4 - 1)
    }),
  )
})
