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

test('all scrapers of one slot get the same bytes, of the next slot others', async () => {
  const tee = await startTee({ source: await counting(), intervalMs: 400 })
  ends.push(tee.stop)
  const bodies: string[] = []
  const until = Date.now() + 1300
  while (Date.now() < until) {
    bodies.push(...(await Promise.all([scrape(tee.url, 'Prometheus'), scrape(tee.url, 'Mozilla')])))
    await new Promise(resolve => setTimeout(resolve, 30))
  }
  const slots = new Map<string, string>()
  for (const body of bodies) {
    const slot = new RegExp(`^${slotSeries} (\\d+)$`, 'm').exec(body)?.[1] ?? 'none'
    expect(slots.get(slot) ?? body).toBe(body)
    slots.set(slot, body)
  }
  expect(slots.size).toBeGreaterThanOrEqual(3)
  expect([...tee.bodies.values()].sort()).toEqual([...slots.values()].sort())
})

test('borders are laid where neither scraper comes, and slots go on counting', async () => {
  const intervalMs = 500
  const tee = await startTee({ source: await counting(), intervalMs })
  ends.push(tee.stop)
  const timers = [0, 120].map((delay, i) => {
    const agent = ['Prometheus', 'Mozilla'][i] ?? ''
    const once = setTimeout(() => {
      const every = setInterval(() => void scrape(tee.url, agent), intervalMs)
      ends.push(() => clearInterval(every))
    }, delay)
    return once
  })
  const first = await tee.settle()
  expect(first).toBeGreaterThan(Math.max(...tee.bodies.keys()))
  await new Promise(resolve => setTimeout(resolve, 5 * intervalMs))
  timers.forEach(clearTimeout)
  const wanted = [first, first + 1, first + 2]
  for (const agent of ['Prometheus', 'Mozilla'])
    expect([...(tee.seen.get(agent) ?? [])]).toEqual(expect.arrayContaining(wanted))
})

test('stamped samples carry the time of their slot', async () => {
  const intervalMs = 200
  const tee = await startTee({ source: await counting(), intervalMs, stamped: true })
  ends.push(tee.stop)
  const body = await scrape(tee.url, 'Mozilla')
  const [, slot, t] = new RegExp(`^${slotSeries} (\\d+) (\\d+)$`, 'm').exec(body) ?? []
  expect(Number(t)).toBe(Number(slot) * intervalMs)
  expect(body).toContain(`asked_total 1 ${t}\n`)
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
