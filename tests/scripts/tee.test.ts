import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { slotSeries, stamp, startTee } from '../e2e/tee.ts'

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

test('every scraper gets every body from its first one on, whoever asks faster', async () => {
  const tee = await startTee({ source: await counting() })
  ends.push(tee.stop)
  const got: Record<string, string[]> = { Prometheus: [], Mozilla: [] }
  for (const agent of [
    'Prometheus',
    'Prometheus',
    'Mozilla',
    'Mozilla',
    'Mozilla',
    'Prometheus',
    'Prometheus',
  ])
    got[agent]?.push(await scrape(tee.url, agent))
  expect(got['Prometheus']?.map(slotOf)).toEqual([0, 1, 2, 3])
  expect(got['Mozilla']).toEqual(got['Prometheus']?.slice(1))
})

test('two that ask at once get the same', async () => {
  const tee = await startTee({ source: await counting() })
  ends.push(tee.stop)
  const both = await Promise.all([scrape(tee.url, 'Prometheus'), scrape(tee.url, 'Mozilla')])
  expect(both[0]).toBe(both[1])
})

test('stamped samples carry the time of their slot', async () => {
  const tee = await startTee({ source: await counting(), stampEveryMs: 200, now: () => 1700 })
  ends.push(tee.stop)
  expect(await scrape(tee.url, 'Mozilla')).toBe(`asked_total 1 1700\n${slotSeries} 0 1700\n`)
  expect(await scrape(tee.url, 'Mozilla')).toBe(`asked_total 2 1900\n${slotSeries} 1 1900\n`)
})

test('a failing exporter fails the scrape', async () => {
  const server = createServer((_request, response) => response.writeHead(500).end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  ends.push(() => void server.close())
  const source = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const tee = await startTee({ source })
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
