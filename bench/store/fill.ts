import type { Disk } from '../../src/engine/disk/disk.ts'
import { Registry } from '../../src/engine/metrics/registry.ts'
import type { Host } from '../../src/engine/model/host.ts'
import type { SeriesRef } from '../../src/engine/model/store.ts'
import { openDb, type Db } from '../../src/engine/tsdb/db.ts'
import { Checksum } from '../frame/checksum.ts'
import type { Workload } from '../frame/workload.ts'
import { intervalMs, logWorkload, slotsOfTwoHours, startT, type LogShape } from './shapes.ts'

/** Writes a log by the product's own means. Answers the checksum of its samples. */
export async function writeLog(disk: Disk, host: Host, shape: LogShape): Promise<string> {
  const db = await openDb(disk, host, new Registry())
  const workload = logWorkload(shape)
  const keys = workload.keys()
  const checksum = new Checksum()
  const source = new Source(db, workload, shape.targets)
  for (let slot = 0; slot < slotsOfTwoHours; slot++) {
    await source.append()
    workload.addTo(checksum, keys)
  }
  await db.close()
  return checksum.toString()
}

const upkeepEvery = 1800_000 / intervalMs

/** Fills a store with 10,000 series until it has blocks and log of so many bytes. Answers what is there and the time
 *  of the last sample. */
export async function fillStore(disk: Disk, host: Host, bytes: number) {
  const db = await openDb(disk, host, new Registry())
  const targets = 100
  const source = new Source(db, logWorkload({ targets }), targets)
  const sizes = () => ({
    blocks: db.blocks.infos().reduce((sum, block) => sum + block.bytes, 0),
    log: db.stats().wal.bytes,
  })
  let slots = 0
  for (let { blocks, log } = sizes(); blocks === 0 || blocks + log < bytes; { blocks, log } = sizes()) {
    for (let i = 0; i < upkeepEvery; i++, slots++) await source.append()
    await db.upkeep.run()
    if (db.upkeep.failure) throw db.upkeep.failure
  }
  const made = { ...sizes(), blocksCount: db.blocks.infos().length, end: startT + slots * intervalMs }
  await db.close()
  return made
}

/** Appends a workload, a commit for each target. */
class Source {
  private readonly db: Db
  private readonly workload: Workload
  private readonly refs: SeriesRef[][] = []
  private readonly targets: number

  constructor(db: Db, workload: Workload, targets: number) {
    this.db = db
    this.workload = workload
    this.targets = targets
  }

  async append(): Promise<void> {
    this.workload.step()
    await Promise.all(Array.from({ length: this.targets }, (_, target) => this.appendTarget(target)))
  }

  private appendTarget(target: number): Promise<void> {
    const { db, workload, refs } = this
    const appender = db.appender()
    refs[target] ??= workload.labels(target).map(labels => appender.series(labels))
    const t = workload.t(target)
    const from = target * workload.seriesPerTarget
    for (const [i, ref] of refs[target].entries())
      appender.append(ref, t, workload.values[from + i] as number)
    return appender.commit()
  }
}
