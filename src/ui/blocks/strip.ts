import type { BlockInfo, EngineStatus } from '../../engine/api/service.ts'

/** Where a block lies on the strip: percent of its width, and its lane from the top. */
export interface Bar {
  readonly key: string
  readonly kind: 'head' | 'block' | 'pinned'
  readonly left: number
  readonly width: number
  readonly lane: number
  /** Milliseconds, end excluded. */
  readonly minT: number
  readonly maxT: number
}

export interface Strip {
  /** What the whole strip covers, milliseconds. */
  readonly minT: number
  readonly maxT: number
  readonly lanes: number
  readonly bars: readonly Bar[]
}

/** More lanes than these say no more; what is left over lies on the last one. */
const lanesAtMost = 6

type Piece = Pick<Bar, 'key' | 'kind' | 'minT' | 'maxT'>

/** Blocks and head along one line of time. Those that overlap lie in different lanes. Null without blocks. */
export function stripOf(
  blocks: readonly BlockInfo[],
  head: Pick<EngineStatus['head'], 'minT' | 'maxT'> | undefined,
): Strip | null {
  if (blocks.length === 0) return null
  const pieces = [...blocks.map(ofBlock), ...ofHead(head)].sort((a, b) => a.minT - b.minT || b.maxT - a.maxT)
  const minT = Math.min(...pieces.map(piece => piece.minT))
  const maxT = Math.max(...pieces.map(piece => piece.maxT))
  const percent = 100 / Math.max(1, maxT - minT)
  const laneEnds: number[] = []
  const bars = pieces.map(piece => ({
    ...piece,
    left: (piece.minT - minT) * percent,
    width: (piece.maxT - piece.minT) * percent,
    lane: takeLane(laneEnds, piece),
  }))
  return { minT, maxT, lanes: laneEnds.length, bars }
}

/** The first lane that is free at the piece's beginning. */
function takeLane(laneEnds: number[], { minT, maxT }: Piece): number {
  const free = laneEnds.findIndex(end => end <= minT)
  const lane = free >= 0 ? free : Math.min(laneEnds.length, lanesAtMost - 1)
  laneEnds[lane] = Math.max(maxT, laneEnds[lane] ?? maxT)
  return lane
}

function ofBlock({ ulid, pinned, minT, maxT }: BlockInfo): Piece {
  return { key: ulid, kind: pinned ? 'pinned' : 'block', minT, maxT }
}

function ofHead(head: Pick<EngineStatus['head'], 'minT' | 'maxT'> | undefined): Piece[] {
  if (!head || head.minT === null || head.maxT === null) return []
  return [{ key: 'head', kind: 'head', minT: head.minT, maxT: head.maxT + 1 }]
}
