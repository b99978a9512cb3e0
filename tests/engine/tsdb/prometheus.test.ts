import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../../src/engine/disk/memory.ts'
import { formatLabels, labelsFrom, valueOf, type Labels } from '../../../src/engine/model/labels.ts'
import type { Db } from '../../../src/engine/tsdb/db.ts'
import { peer, startPrometheus } from '../../peers.ts'
import { always, openStore, series } from './store.ts'

// The write-ahead log against a real Prometheus, in both directions.

const prometheus = peer('prometheus')
const promtool = peer('promtool')

/** Series → its samples as "t:value"; a stale marker is NaN, as promtool shows it. */
type Dump = Record<string, string[]>

describe.skipIf(prometheus.missing)(`a log that we wrote, read by ${prometheus.name}`, () => {
  test('gives every sample, and nothing is repaired', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brazier-wal-'))
    try {
      const disk = await writtenByUs()
      expect((await disk.list('wal')).length).toBeGreaterThan(3)
      await copyOut(disk, folder)
      const ours = await dumpOf((await openStore(disk)).db)
      expect(count(ours)).toBeGreaterThan(4000)
      expect(dumpWithPromtool(folder)).toEqual(ours)

      const running = await startPrometheus({ dataDir: folder })
      try {
        expect(await rawSamples(running.url)).toEqual(withoutNaN(ours))
        expect(running.log()).toMatch(/WAL replay completed/)
        expect(running.log()).not.toMatch(/repair|corrupt|level=(warn|error)/i)
      } finally {
        await running.stop()
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

describe.skipIf(prometheus.missing)(`a log that ${prometheus.name} wrote, read by us`, () => {
  test('gives every sample, stale markers among them', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brazier-wal-'))
    const target = await startTarget()
    try {
      const config = `scrape_configs: [{job_name: t, scrape_interval: 200ms, scrape_timeout: 200ms, static_configs: [{targets: ['127.0.0.1:${target.port}']}]}]`
      const running = await startPrometheus({ dataDir: folder, config })
      while (target.scrapes() < 12) await sleep(50)
      await running.stop()

      const disk = new MemoryDisk()
      for (const name of readdirSync(join(folder, 'wal'))) {
        await disk.append(`wal/${name}`, 0, readFileSync(join(folder, 'wal', name)), 'strict')
      }
      const { db } = await openStore(disk)
      expect(db.notices()).toEqual([])
      const ours = await dumpOf(db)
      expect(ours).toEqual(dumpWithPromtool(folder))
      expect(count(ours)).toBeGreaterThan(100)
      expect(await staleSeries(db)).toContain('comes_and_goes')

      // Prometheus goes on where we add to its log.
      const appender = db.appender()
      const t = (db.stats().head.maxT ?? 0) + 1000
      appender.append(appender.series(series('added')), t, 1)
      const old = labelsFrom([
        ['__name__', 'constant'],
        ['instance', `127.0.0.1:${target.port}`],
        ['job', 't'],
      ])
      appender.append(appender.series(old), t, 2)
      await appender.commit()
      rmSync(join(folder, 'wal'), { recursive: true })
      await copyOut(disk, folder)
      expect(dumpWithPromtool(folder)).toEqual(await dumpOf(db))
    } finally {
      await target.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

/** A few hundred series of all kinds of values over half an hour, written in two runs, with records that fill
 *  several pages and segments that are cut. */
async function writtenByUs(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  for (const run of [0, 1]) {
    const { db } = await openStore(disk, { segmentBytes: 32 * 1024 })
    for (let scrape = 0; scrape < 12; scrape++) {
      const appender = db.appender()
      const t = 1_700_000_000_000 + (run * 12 + scrape) * 60_000
      for (let i = 0; i < 250; i++) {
        const labels = series('m', { i: String(i), text: `ünï "${i % 9}"\n\\`, long: 'x'.repeat(i) })
        const ref = appender.series(labels)
        if (i % 50 === 49 && scrape % 4 === 3) appender.appendStale(ref, t)
        else appender.append(ref, t + (i % 3), valueFor(i, scrape))
      }
      await appender.commit()
      if (scrape === 5) await db.sync()
    }
    if (run === 0) await db.close()
  }
  return disk
}

function valueFor(i: number, scrape: number): number {
  const noise = Math.sin(i * 7 + scrape * 13)
  return [noise, -0, Infinity, NaN, noise * 1e6, 1e-310, i * 1e300, 1 / 3, -scrape * 17][i % 9]!
}

/** Serves metrics that change with every scrape. */
async function startTarget(): Promise<{ port: number; scrapes(): number; stop(): Promise<void> }> {
  let scrapes = 0
  const server = createServer((_, response) => {
    const n = ++scrapes
    const lines = ['constant 1', `counter_total{path="/ä"} ${n * 17}`, `float ${Math.sin(n)}`, `zero -0`]
    lines.push(n % 3 === 0 ? 'odd NaN' : 'odd +Inf', 'dup 1', 'dup 2')
    if (n % 4 < 2) lines.push('comes_and_goes 5')
    for (let i = 0; i < 40; i++) lines.push(`many{i="${i}"} ${i * n}`)
    response.setHeader('Content-Type', 'text/plain; version=0.0.4').end(lines.join('\n') + '\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port: (server.address() as AddressInfo).port, scrapes: () => scrapes, stop }
}

async function copyOut(disk: MemoryDisk, folder: string): Promise<void> {
  mkdirSync(join(folder, 'wal'), { recursive: true })
  for (const name of await disk.list('wal')) {
    writeFileSync(join(folder, 'wal', name), await disk.read(`wal/${name}`))
  }
}

async function dumpOf(db: Db): Promise<Dump> {
  const dump: Dump = {}
  for await (const batch of db.querier().select([], always)) {
    for (let i = 0; i < batch.count; i++) {
      const { count, t, v } = batch.columns(i)
      dump[formatLabels(batch.labels(i))] = Array.from({ length: count }, (_, k) => sample(t[k]!, v[k]!))
    }
  }
  return dump
}

async function staleSeries(db: Db): Promise<string[]> {
  const found: string[] = []
  for await (const batch of db.querier().select([], always)) {
    for (let i = 0; i < batch.count; i++) {
      if (batch.columns(i).stale) found.push(valueOf(batch.labels(i), '__name__'))
    }
  }
  return found
}

/** `promtool tsdb dump` prints `{a="b", …} value time` for each sample. */
function dumpWithPromtool(folder: string): Dump {
  const output = execFileSync(promtool.path(), ['tsdb', 'dump', folder], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const dump: Dump = {}
  for (const line of output.split('\n')) {
    const [, labels, value, t] = /^\{(.*)\} (\S+) (-?\d+)$/.exec(line) ?? []
    if (labels === undefined || value === undefined) continue
    const pairs = [...labels.matchAll(/([\w.]+)=("(?:[^"\\]|\\.)*")/g)]
    const parsed = labelsFrom(pairs.map(([, name = '', text = '']) => [name, JSON.parse(text) as string]))
    ;(dump[formatLabels(parsed)] ??= []).push(sample(Number(t), numberOf(value)))
  }
  return dump
}

/** Everything that an instant query for a range vector gives: the samples without the stale markers. */
async function rawSamples(url: string): Promise<Dump> {
  const query = new URLSearchParams({ query: '{__name__=~".+"}[1d]', time: String(1_700_000_000 + 3600) })
  const response = await fetch(`${url}/api/v1/query?${query.toString()}`)
  const { data } = (await response.json()) as {
    data: { result: { metric: Record<string, string>; values: [number, string][] }[] }
  }
  const dump: Dump = {}
  for (const { metric, values } of data.result) {
    const labels: Labels = labelsFrom(Object.entries(metric))
    const samples = values.map(([t, v]) => sample(Math.round(t * 1000), numberOf(v)))
    dump[formatLabels(labels)] = samples
  }
  return withoutNaN(dump)
}

function withoutNaN(dump: Dump): Dump {
  const kept = Object.entries(dump).map(
    ([key, all]) => [key, all.filter(one => !one.endsWith('NaN'))] as const,
  )
  return Object.fromEntries(kept.filter(([, all]) => all.length > 0))
}

function numberOf(text: string): number {
  return text.endsWith('Inf') ? (text.startsWith('-') ? -Infinity : Infinity) : Number(text)
}

function sample(t: number, v: number): string {
  return `${t}:${Object.is(v, -0) ? '-0' : String(v)}`
}

function count(dump: Dump): number {
  return Object.values(dump).reduce((sum, samples) => sum + samples.length, 0)
}
