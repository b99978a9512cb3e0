import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openNodeFs } from '../../../../src/disks/nodefs.ts'
import { matcher } from '../../../../src/engine/model/matcher.ts'
import { peer, startPrometheus, type RunningPeer } from '../../../peers.ts'
import { remoteRead } from '../../../remoteread.ts'
import { sampleText } from '../store.ts'
import { decoded, readAll, textsOf } from './lateseries.ts'
import { LateStore } from './latestore.ts'

// Late samples on disk, the log of them and chunks, between a real Prometheus and us, in both directions. 2.42 takes no
// late native histograms.

const prometheus = peer('prometheus')
const minute = 60_000
const config = 'storage: {tsdb: {out_of_order_time_window: 30m}}\n'
const names = ['late', 'mostly_late']

type Dump = Record<string, string[]>

test.skipIf(prometheus.missing)(
  `what ${prometheus.name} took out of order is read from its folder`,
  { timeout: 180_000 },
  async () => {
    await inFolder(async folder => {
      const theirs = await takenByPrometheus(folder)
      expect(readdirSync(join(folder, 'wbl'))).not.toEqual([])
      expect(readdirSync(join(folder, 'chunks_head'))).not.toEqual([])
      expect(theirs['late']!.length).toBeGreaterThan(300)
      const disk = await openNodeFs(folder)
      try {
        const store = await LateStore.open(disk)
        expect(store.damages).toEqual([])
        // Prometheus has some in chunks on the disk and in the log; none is taken twice.
        const [series] = store.head.seriesFor([matcher('__name__', '=', 'late')])
        const runs = store.late.runs(series!, -Infinity, Infinity)
        expect(runs.flatMap(run => textsOf(decoded(run))).length).toBe(theirs['late']!.length - 1)
        expect(await dumpOf(store)).toEqual(theirs)
      } finally {
        await disk.close()
      }
    })
  },
)

test.skipIf(prometheus.missing)(
  `what we took out of order is read by ${prometheus.name}, and what it then makes of it by us`,
  { timeout: 180_000 },
  async () => {
    await inFolder(async folder => {
      const now = Math.floor(Date.now() / 1000) * 1000
      const disk = await openNodeFs(folder)
      const store = await LateStore.open(disk)
      await store.put('late', [now, 0])
      await store.put('mostly_late', [now, 1])
      for (const [i, t] of lateTimes(now).entries()) {
        await store.put(names[i % 2]!, [t, i % 7 === 0 ? NaN : Math.sin(i)])
      }
      const ours = await dumpOf(store)
      await store.sync()
      await disk.close()

      const running = await startPrometheus({ dataDir: folder, config })
      try {
        expect(await dumpFrom(running, now)).toEqual(ours)
        expect(running.log()).toMatch(/WAL replay completed/)
        expect(running.log()).not.toMatch(/repair(?!\.go)|corrupt|unknown series|level=(warn|error)/i)
      } finally {
        await running.stop()
      }
      const again = await openNodeFs(folder)
      expect(await dumpOf(await LateStore.open(again))).toEqual(ours)
      await again.close()
    })
  },
)

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-late-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** 330 times of the half hour before, in runs that go forward and begin anywhere. None comes twice:
 *  which of two it shows is open. */
function lateTimes(now: number): number[] {
  const times: number[] = []
  for (let run = 0; run < 22; run++) {
    const start = now - 28 * minute + ((run * 7) % 22) * minute
    for (let i = 0; i < 15; i++) times.push(start + i * 9_000 + (run % 3))
  }
  return times
}

/** Lets it scrape late samples, ten of a series at once. */
async function takenByPrometheus(folder: string): Promise<Dump> {
  const now = Math.floor(Date.now() / 1000) * 1000
  const rest = lateTimes(now)
  const target = await startTarget(() => {
    const times = [now, ...rest.splice(0, 10)]
    return times
      .map((t, i) => `late ${Math.sin(rest.length + i)} ${t}\nmostly_late{job="x"} ${i} ${t}\n`)
      .join('')
  })
  const scrape = `scrape_configs: [{job_name: t, scrape_interval: 50ms, scrape_timeout: 50ms, honor_labels: true, static_configs: [{targets: ['127.0.0.1:${target.port}']}]}]`
  try {
    const running = await startPrometheus({ dataDir: folder, config: config + scrape })
    try {
      while (rest.length > 0) await sleep(50)
      await sleep(300)
      return await dumpFrom(running, now)
    } finally {
      await running.stop()
    }
  } finally {
    await target.stop()
  }
}

async function startTarget(bodyOf: () => string): Promise<{ port: number; stop(): Promise<void> }> {
  const server = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/plain; version=0.0.4').end(bodyOf())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const stop = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port: (server.address() as AddressInfo).port, stop }
}

/** Its series by name; those are different enough. */
async function dumpFrom({ url }: RunningPeer, now: number): Promise<Dump> {
  const found: Dump = {}
  for (const { labels, samples } of await remoteRead(url, now - 60 * minute, now + 60 * minute)) {
    const name = Object.fromEntries(labels)['__name__'] ?? ''
    if (names.includes(name)) found[name] = samples.map(({ t, v, stale }) => sampleText(t, v, stale))
  }
  return found
}

async function dumpOf(store: LateStore): Promise<Dump> {
  const all = await readAll(store.querier(), [matcher('__name__', '=~', names.join('|'))])
  return Object.fromEntries(Object.entries(all).map(([series, texts]) => [series.split('{')[0], texts]))
}
