import { ulid } from 'ulid'
import type { Disk } from '../../disk/disk.ts'
import { ImportError } from '../../model/errors.ts'
import type { BlockMeta } from '../block/meta.ts'
import type { Pace } from '../block/pace.ts'
import { writeBlock, type BlockSpec, type SeriesChunks } from '../block/writer.ts'
import type { IncomingLog } from './logs.ts'
import type { RestoredLog } from './restoredlog.ts'
import type { Staging } from './staging.ts'

/** A head has a range or two. A log that was made to have a sample in each of a million ranges does not get as many
 *  folders. */
const maxBlocks = 1000

interface Target {
  readonly disk: Disk
  readonly staging: Staging
  readonly pace: Pace
}

/** Makes blocks of what a log has, as Prometheus would in time: of each chunk range one, and one more of what came out of
 *  order, which overlaps with others. The head is empty afterwards.
 *  @throws ImportError, DiskFullError, or the signal's reason */
export async function makeBlocks(target: Target, log: IncomingLog, restored: RestoredLog): Promise<void> {
  const { head, outOfOrder } = restored
  const maker = new BlockMaker(target, log)
  // First, because the head forgets deletions with what it lets go.
  const late = outOfOrder.begin(head)
  for (const range of late?.ranges ?? []) {
    await maker.make(range, 'out of order', (minT, maxT) => late?.seriesChunks(minT, maxT) ?? nothing())
  }
  late?.done()
  while (Number.isFinite(head.minT)) {
    const range = head.nextBlockRange()
    await maker.make(range, 'in order', (minT, maxT) => head.seriesChunks(minT, maxT))
    await head.truncateInSteps(range.maxT)
  }
}

async function* nothing(): AsyncGenerator<SeriesChunks> {
  // Where there is no compaction there are no ranges.
}

type Order = 'in order' | 'out of order'

class BlockMaker {
  private readonly target: Target
  private readonly log: IncomingLog
  private count = 0

  constructor(target: Target, log: IncomingLog) {
    this.target = target
    this.log = log
  }

  async make(
    { minT, maxT }: { readonly minT: number; readonly maxT: number },
    order: Order,
    seriesChunks: (minT: number, maxT: number) => AsyncIterable<SeriesChunks>,
  ): Promise<void> {
    const { disk, staging, pace } = this.target
    const folder = this.log.directory === '' ? 'wal' : `${this.log.directory}/wal`
    if (++this.count > maxBlocks) {
      throw new ImportError(`${folder}: want samples for at most ${maxBlocks} blocks, have more`)
    }
    const name = nameOf(this.log, this.count, minT)
    const spec = { ulid: name, minT, maxT, compaction: compactionOf(name, order) }
    await staging.make(name, folder, () => writeBlock(disk, spec, seriesChunks(minT, maxT), pace))
  }
}

function compactionOf(name: string, order: Order): NonNullable<BlockSpec['compaction']> {
  const compaction: BlockMeta['compaction'] = { level: 1, sources: [name] }
  return order === 'in order' ? compaction : { ...compaction, hints: ['from-out-of-order'] }
}

/** In milliseconds. For 0 the library would take the time of the day. */
const [earliestUlid, latestUlid] = [1, 2 ** 48 - 1]

/** The same for the same log, so that one that comes again is known: the digits that are otherwise left to chance follow
 *  from what is in it. */
function nameOf({ fingerprint, bytes }: IncomingLog, block: number, minT: number): string {
  let state = (fingerprint ^ Math.imul(bytes, 0x9e3779b1) ^ Math.imul(block, 0x85ebca6b)) | 0
  // mulberry32: https://github.com/bryc/code/blob/master/jshash/PRNGs.md
  const digit = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return ulid(Math.min(Math.max(minT, earliestUlid), latestUlid), digit)
}
