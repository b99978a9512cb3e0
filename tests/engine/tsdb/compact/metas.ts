import type { BlockMeta } from '../../../../src/engine/tsdb/block/meta.ts'

/** Blocks as `1:0-20`: a name and the half-open range that the block covers. Behind it may stand, in any order,
 *  `†3/10`: three tombstones in ten series; `!`: merging it failed; `x`: merged to nothing; `<1,2`: its parents;
 *  `~ooo`, `~stale`, `~selected`: hints; `L2`: its level. */
export function metasOf(text: string): BlockMeta[] {
  return text.split(' ').filter(Boolean).map(metaOf)
}

/** `7` is the ULID `00000000000000000000000007`. */
export function ulidOf(name: string): string {
  return name.padStart(26, '0')
}

export function namesOf(ulids: readonly string[]): string {
  return ulids.map(ulid => ulid.replace(/^0+/, '')).join(' ')
}

const hints: Record<string, string> = {
  ooo: 'from-out-of-order',
  stale: 'from-stale-series',
  selected: 'from-selected-series',
}

function metaOf(word: string): BlockMeta {
  const { name, minT, maxT, rest } = /^(?<name>\w+):(?<minT>-?\d+)-(?<maxT>-?\d+)(?<rest>.*)$/.exec(
    word,
  )!.groups!
  const [, stones = '0', series = '1'] = /†(\d+)\/(\d+)/.exec(rest!) ?? []
  const parents = /<([\w,]+)/.exec(rest!)?.[1]?.split(',') ?? []
  return {
    ulid: ulidOf(name!),
    minTime: Number(minT),
    maxTime: Number(maxT),
    stats: { numSamples: 1, numSeries: Number(series), numChunks: 1, numTombstones: Number(stones) },
    compaction: {
      level: Number(/L(\d)/.exec(rest!)?.[1] ?? 1),
      sources: [ulidOf(name!)],
      parents: parents.map(parent => ({ ulid: ulidOf(parent), minTime: 0, maxTime: 0 })),
      hints: [...rest!.matchAll(/~(\w+)/g)].map(([, hint]) => hints[hint!]!),
      failed: rest!.includes('!'),
      deletable: rest!.includes('x'),
    },
    version: 1,
  }
}
