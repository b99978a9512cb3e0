import type { BlockMeta } from '../block/meta.ts'

/** How much is kept, and what there is. A limit that is null or 0 is none. */
export interface Retention {
  /** Milliseconds; upstream's `--storage.tsdb.retention.time`. */
  readonly retentionMs: number | null
  /** Of blocks, log and head together; upstream's `--storage.tsdb.retention.size`. */
  readonly maxBytes: number | null
  /** The same as percents of `budgetBytes`; where it is given, `maxBytes` does not count. */
  readonly maxPercentage?: number | null
  /** What the store may use in all: upstream takes the size of the file system. */
  readonly budgetBytes?: number
  /** Of a block, all its files. */
  readonly bytesOf: (ulid: string) => number
  /** Of the log and of what the head keeps on the disk. */
  readonly headBytes?: number
}

/** ULIDs of blocks that should go, by the reason why; some are beyond both limits. */
export interface Outdated {
  /** Another block has taken their place, or they were merged to nothing. */
  readonly replaced: readonly string[]
  readonly byTime: readonly string[]
  readonly bySize: readonly string[]
}

/** ULIDs of the blocks that should be deleted, each once, for whatever reason. */
export function retained(metas: readonly BlockMeta[], retention: Retention): readonly string[] {
  const { replaced, byTime, bySize } = outdated(metas, retention)
  return [...new Set([...replaced, ...byTime, ...bySize])]
}

/** Which blocks should be deleted (upstream's `deletableBlocks` and `reloadBlocks`). Blocks that are to be kept
 *  whatever happens are not among `metas`. Where upstream counts the bytes of replaced blocks against the limit, we
 *  do not: for the moment in which a block and its parents are both there, old samples would have to go. */
export function outdated(metas: readonly BlockMeta[], retention: Retention): Outdated {
  const replaced = replacedBlocks(metas)
  const newestFirst = metas
    .filter(({ ulid }) => !replaced.has(ulid))
    .sort((a, b) => b.maxTime - a.maxTime || (a.ulid < b.ulid ? 1 : -1))
  return {
    replaced: [...replaced],
    byTime: beyondTime(newestFirst, retention),
    bySize: beyondSize(newestFirst, retention),
  }
}

function replacedBlocks(metas: readonly BlockMeta[]): Set<string> {
  const known = new Set(metas.map(({ ulid }) => ulid))
  const replaced = new Set<string>()
  for (const { ulid, compaction } of metas) {
    if (compaction.deletable) replaced.add(ulid)
    for (const parent of compaction.parents ?? []) {
      if (parent.ulid !== ulid && known.has(parent.ulid)) replaced.add(parent.ulid)
    }
  }
  return replaced
}

/** The clock is the newest block: a store that nothing is added to keeps what it has. */
function beyondTime(newestFirst: readonly BlockMeta[], { retentionMs }: Retention): string[] {
  if (!retentionMs) return []
  const newest = newestFirst[0]?.maxTime ?? 0
  return fromOn(newestFirst, ({ maxTime }, i) => i > 0 && newest - maxTime >= retentionMs)
}

function beyondSize(newestFirst: readonly BlockMeta[], retention: Retention): string[] {
  const limit = byteLimit(retention)
  if (!limit) return []
  let bytes = retention.headBytes ?? 0
  return fromOn(newestFirst, ({ ulid }) => (bytes += retention.bytesOf(ulid)) > limit)
}

function byteLimit({ maxBytes, maxPercentage, budgetBytes }: Retention): number | null {
  return maxPercentage && budgetBytes ? Math.trunc((budgetBytes * maxPercentage) / 100) : maxBytes
}

/** The first block that is beyond takes all older ones with it. */
function fromOn(
  newestFirst: readonly BlockMeta[],
  beyond: (meta: BlockMeta, i: number) => boolean,
): string[] {
  const first = newestFirst.findIndex(beyond)
  return first < 0 ? [] : newestFirst.slice(first).map(({ ulid }) => ulid)
}
