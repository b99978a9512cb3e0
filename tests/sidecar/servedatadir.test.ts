import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openNodeFs } from '../../src/disks/nodefs.ts'
import { answersFrom, troublesIn } from '../datadir.ts'
import { dumpDifferences, dumpOf, type Dump } from '../dumps.ts'
import { startTarget } from '../e2e/servers.ts'
import { openStore } from '../engine/tsdb/store.ts'
import { FakeHost } from '../fakehost.ts'
import { peer } from '../peers.ts'
import { startServe } from './serving.ts'

const prometheus = peer('prometheus')

test.skipIf(prometheus.missing)(
  `${prometheus.name} starts on the folder that npm run serve wrote, and has every sample`,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'brazier-serve-datadir-'))
    const target = await startTarget('')
    try {
      let n = 0
      target.answer(() => {
        n++
        const moving = Array.from({ length: 30 }, (_, i) => `moving{i="${i}"} ${Math.sin(n * (i + 1))}\n`)
        return {
          body: `${moving.join('')}count_total ${n}\n${n % 7 < 4 ? 'comes_and_goes 1\n' : ''}odd NaN\n`,
        }
      })
      const data = join(folder, 'data')
      await serveUntil(folder, data, target.metrics, () => target.scrapes() >= 40)
      const { dump, log } = await answersFrom(data)
      expect(dumpDifferences(dump, await ourDump(data))).toEqual([])
      expect(troublesIn(log)).toEqual([])
      const [counted = []] = Object.entries(dump).flatMap(([name, samples]) =>
        name.startsWith('count_total') ? [samples] : [],
      )
      const values = counted.map(sample => Number(sample.split(' ')[1]))
      expect(values).toEqual(values.toSorted((a, b) => a - b))
      // Each run may have ended in the middle of a scrape.
      expect(values.length).toBeGreaterThanOrEqual(values.at(-1)! - 2)
      expect(values.length).toBeGreaterThan(36)
    } finally {
      await target.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  },
)

/** Runs it twice: what is in the log already is gone on with. */
async function serveUntil(folder: string, data: string, url: string, enough: () => boolean): Promise<void> {
  const { host, pathname } = new URL(url)
  const config = join(folder, 'prometheus.yml')
  writeFileSync(
    config,
    `scrape_configs: [{job_name: t, scrape_interval: 200ms, scrape_timeout: 200ms, metrics_path: '${pathname}', static_configs: [{targets: ['${host}']}]}]\n`,
  )
  for (const wait of [() => sleep(2000, true), async () => enough()]) {
    const serve = await startServe('--data', data, '--config', config)
    try {
      while (!(await wait())) await sleep(50)
    } finally {
      await serve.stop()
    }
  }
}

async function ourDump(data: string): Promise<Dump> {
  const copy = mkdtempSync(join(tmpdir(), 'brazier-serve-copy-'))
  try {
    cpSync(data, copy, { recursive: true })
    const disk = await openNodeFs(copy)
    const { db } = await openStore(disk, {}, new FakeHost({ now: Date.now() }))
    const dump = await dumpOf(db.querier())
    await db.close()
    await disk.close()
    return dump
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
