import { stagingSuffix, type Disk } from '../../disk/disk.ts'
import type { Host } from '../../model/host.ts'
import type { TimeRange } from '../../model/store.ts'
import { Pace } from '../block/pace.ts'
import { newUlid } from '../block/ulid.ts'
import { writeBlock } from '../block/writer.ts'
import { joined } from './join.ts'
import { partInMemory, writeRun, type Part } from './runs.ts'
import { Samples } from './samples.ts'
import { readText } from './text.ts'

export interface BackfillTarget {
  readonly disk: Disk
  readonly host: Pick<Host, 'now' | 'random' | 'monotonic' | 'yield'>
}

export interface BackfillOptions {
  /** Length of the blocks: two hours, or the longest of 2 h, 6 h, 18 h, … that is not longer than this. */
  readonly maxBlockMs?: number
  /** Refuses what the specification of OpenMetrics 1.0 forbids and Prometheus lets pass. */
  readonly strict?: boolean
  /** Memory for finished chunks, bytes; what goes beyond it waits on the disk. */
  readonly memoryBytes?: number
  /** Told how many bytes were read. */
  readonly progress?: (done: number) => void
  readonly signal?: AbortSignal
}

const twoHoursMs = 2 * 3600 * 1000
const defaultMemoryBytes = 64 * 1024 * 1024

/** Makes blocks of OpenMetrics text in which every sample has its time, as upstream's `promtool tsdb create-blocks-from
 *  openmetrics` makes them (cmd/promtool/backfill.go): one for each time range of a block's length in which there are
 *  samples, from its first sample to its last. Exemplars and metadata are left out. The text is read once, and need not
 *  fit in memory, in whatever order its samples are; those of a series must be in order within each block, one that is
 *  repeated counts once. (Upstream drops what is not, unless it comes 5000 samples later.)
 *  @returns ULIDs of the blocks, which are in staging folders `<ULID>.tmp-for-creation`, in the order of their times; none
 *  when the text has no samples. The caller publishes them.
 *  @throws ImportError with the line, DiskFullError, or the signal's reason; nothing is left then */
export async function backfill(
  { disk, host }: BackfillTarget,
  source: Blob | ReadableStream<Uint8Array>,
  options: BackfillOptions = {},
): Promise<readonly string[]> {
  const pace = new Pace(host, options.signal)
  const work = `${newUlid(host)}${stagingSuffix}`
  const blocks: string[] = []
  try {
    const { samples, parts } = await collect({ disk, host }, source, options, { pace, work })
    const spans = [...samples.spans].sort(([a], [b]) => a - b)
    for (const [start, span] of spans) {
      const ulid = newUlid(host)
      await writeBlock(disk, specOf(ulid, span), joined(parts, start, samples.labels, samples.ranks()), pace)
      blocks.push(ulid)
    }
    await disk.removeFolder(work)
    return blocks
  } catch (error) {
    for (const folder of [work, ...blocks.map(ulid => `${ulid}${stagingSuffix}`)]) {
      // What cannot be removed now goes when the disk is opened the next time.
      await disk.removeFolder(folder).catch(() => undefined)
    }
    throw error
  }
}

/** Reads the text into chunks. */
async function collect(
  { disk, host }: BackfillTarget,
  source: Blob | ReadableStream<Uint8Array>,
  {
    maxBlockMs = 0,
    strict = false,
    memoryBytes = defaultMemoryBytes,
    progress = () => undefined,
  }: BackfillOptions,
  { pace, work }: { pace: Pace; work: string },
): Promise<{ samples: Samples; parts: Part[] }> {
  const samples = new Samples(blockDuration(maxBlockMs), Math.floor(host.random() * 2 ** 32))
  const { sealed } = samples
  const parts: Part[] = []
  const spill = async () => {
    parts.push(await writeRun(disk, `${work}/${parts.length + 1}`, sealed, samples.ranks(), pace))
    sealed.clear()
  }
  const stream = 'getReader' in source ? source : source.stream()
  await readText(stream, { strict, pace, progress }, cursor => {
    samples.add(cursor)
    return sealed.bytes > memoryBytes ? spill() : undefined
  })
  samples.finish()
  parts.push(partInMemory(sealed, samples.ranks()))
  return { samples, parts }
}

/** The longest of upstream's ten block lengths up to `maxMs`, at least two hours. */
export function blockDuration(maxMs: number): number {
  let duration = twoHoursMs
  for (let i = 1; i < 10 && duration * 3 <= maxMs; i++) duration *= 3
  return duration
}

function specOf(ulid: string, { minT, maxT }: TimeRange): { ulid: string; minT: number; maxT: number } {
  // A block covers [minT, maxT).
  return { ulid, minT, maxT: maxT + 1 }
}
