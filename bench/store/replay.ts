import type { Disk } from '../../src/engine/disk/disk.ts'
import { Registry } from '../../src/engine/metrics/registry.ts'
import type { Host } from '../../src/engine/model/host.ts'
import { openDb } from '../../src/engine/tsdb/db.ts'
import { checksumOf } from './everything.ts'
import { logRange, type LogShape } from './shapes.ts'

/** Replays the log, and cuts its two hours from the head as a block. */
export async function replayAndCut(disk: Disk, host: Host, { targets }: LogShape) {
  const metrics = new Registry()
  const start = performance.now()
  const db = await openDb(disk, host, metrics)
  const replaySeconds = (performance.now() - start) / 1000
  const replayed = await checksumOf(db.querier(), logRange)
  const { series } = db.stats().head

  // A sample of today makes the head longer than three hours, as the one that the peer scrapes does.
  const appender = db.appender()
  appender.append(appender.series(['__name__', 'up']), host.now(), 1)
  await appender.commit()
  const startCut = performance.now()
  await db.upkeep.run()
  const upkeepSeconds = (performance.now() - startCut) / 1000
  if (db.upkeep.failure) throw db.upkeep.failure
  const cut = await checksumOf(db.querier(), logRange)
  const blocks = db.blocks.infos().map(({ samples, minT, bytes }) => ({ samples, minT, bytes }))
  await db.close()
  return {
    replaySeconds,
    cutSeconds: metricOf(metrics, 'prometheus_tsdb_compaction_duration_seconds_sum'),
    upkeepSeconds,
    series,
    wantedSeries: targets * 100,
    replayed,
    cut,
    blocks,
  }
}

/** Replays the log from a disk that is opened for it. */
export async function replayOnly(openDisk: () => Promise<Disk>, host: Host, { targets }: LogShape) {
  const start = performance.now()
  const disk = await openDisk()
  const db = await openDb(disk, host, new Registry())
  const replaySeconds = (performance.now() - start) / 1000
  const replayed = await checksumOf(db.querier(), logRange)
  const { series } = db.stats().head
  await db.close()
  await disk.close()
  return { replaySeconds, replayed, series, wantedSeries: targets * 100 }
}

function metricOf(metrics: Registry, name: string): number {
  const line = metrics
    .text()
    .split('\n')
    .find(one => one.startsWith(`${name} `))
  return Number(line?.slice(name.length))
}
