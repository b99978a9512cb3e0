import type { BlockInfo, ExportRequest, StorageStatus } from '../../engine/api/service.ts'
import { formatBytes, formatCount } from '../format/number.ts'
import { formatTime } from '../format/time.ts'
import { firstQuery, writeParams } from '../query/params.ts'
import { formatRoute } from '../route.ts'
import { texts } from '../texts.ts'

export function newestFirst(blocks: readonly BlockInfo[]): BlockInfo[] {
  return [...blocks].sort((a, b) => b.maxT - a.maxT || (a.ulid < b.ulid ? 1 : -1))
}

/** `3 blocks · 12.0 MiB · 4,200,000 samples`. Series are left out: the same one may be in several blocks. */
export function totalsText(blocks: readonly BlockInfo[]): string {
  const sum = (of: (block: BlockInfo) => number) => blocks.reduce((n, block) => n + of(block), 0)
  const samples = formatCount(sum(block => block.samples))
  return texts.blocks.totals(blocks.length, formatBytes(sum(block => block.bytes)), samples)
}

/** A line of OpenMetrics text with a name, some labels, a value and a time. */
const textBytesPerSample = 90

/** Bytes that an export will have, about: blocks that a range reaches into count whole, the head's part not. */
export function bytesOf(
  request: ExportRequest,
  blocks: readonly BlockInfo[],
  storage?: Pick<StorageStatus, 'blocks' | 'wal' | 'headChunks'>,
): number {
  const sum = (of: (block: BlockInfo) => number) =>
    blocks.filter(block => isPart(block, request)).reduce((n, block) => n + of(block), 0)
  if (request.kind === 'text') return textBytesPerSample * sum(({ samples }) => samples)
  if (request.kind === 'directory' && storage) return storage.blocks + storage.wal + storage.headChunks
  return sum(({ bytes }) => bytes)
}

function isPart({ ulid, minT, maxT }: BlockInfo, request: ExportRequest): boolean {
  if (request.kind === 'directory') return true
  // What is in a snapshot is known by itself.
  if (request.kind === 'snapshot') return false
  return request.kind === 'blocks' ? request.ulids.includes(ulid) : minT < request.maxT && maxT > request.minT
}

/** For a file that is named before the engine has given it its name. */
export function suggestedName(request: ExportRequest): string {
  if (request.kind === 'text') return 'brazier-samples.txt'
  return `brazier-${request.kind === 'directory' ? 'data' : 'blocks'}.${request.format}`
}

/** `2026-11-22 12:00:00 – 14:00:00`: the day of the end only where it is another one. */
export function periodText(minT: number, maxT: number): string {
  const [from, to] = [formatTime(minT), formatTime(maxT)]
  const dayAndSpace = 11
  return `${from} – ${from.slice(0, dayAndSpace) === to.slice(0, dayAndSpace) ? to.slice(dayAndSpace) : to}`
}

/** How many series each job has: nothing is known of a block that could be asked for, and this shows something
 *  for every one. */
const overview = 'count by (job) ({__name__!=""})'

/** Link to a query of this block alone, over the time that it covers. */
export function queryLink({ ulid, minT, maxT }: Pick<BlockInfo, 'ulid' | 'minT' | 'maxT'>): string {
  const end = Math.ceil(maxT / 1000) * 1000
  // Whole minutes: a range of 2h, not of 1h59m58s.
  const rangeMs = Math.ceil((end - minT) / 60_000) * 60_000
  const search = writeParams({ ...firstQuery, expr: overview, rangeMs, end, block: ulid })
  return formatRoute({ page: 'query', search })
}
