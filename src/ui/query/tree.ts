import type { QueryNode } from '../../engine/api/service.ts'
import type { NodeStats } from '../../engine/model/answers.ts'
import type { Span } from '../../engine/model/errors.ts'

// The parts of an expression as lines of a tree.

export interface Line {
  readonly key: string
  readonly node: QueryNode
  /** Null while they are not known. */
  readonly stats: NodeStats | null
  /** Of the time that all took together, 0 … 1. */
  readonly share: number
  readonly hasParts: boolean
  readonly folded: boolean
  /** Place among its siblings, from 1. */
  readonly place: number
  readonly siblings: number
}

/** The lines that are to be seen: what is inside of a folded node is not.
 *  @param stats what the nodes did, as the answer tells it; null when it does not
 *  @param folded keys of the nodes that are folded */
export function linesOf(
  nodes: readonly QueryNode[],
  stats: readonly NodeStats[] | null,
  folded: ReadonlySet<string>,
): Line[] {
  const known = byPlace(stats ?? [])
  const places = placesOf(nodes)
  const whole = [...known.values()].reduce((sum, { seconds }) => sum + seconds, 0)
  const lines: Line[] = []
  // Deeper nodes than this are inside of one that is folded.
  let visible = Infinity
  nodes.forEach((node, i) => {
    if (node.depth > visible) return
    const key = keyOf(node.span)
    const isFolded = folded.has(key)
    visible = isFolded ? node.depth : Infinity
    const found = known.get(key) ?? null
    lines.push({
      key,
      node,
      stats: found,
      share: found && whole > 0 ? found.seconds / whole : 0,
      hasParts: (nodes[i + 1]?.depth ?? 0) > node.depth,
      folded: isFolded,
      place: places[i]?.place ?? 1,
      siblings: places[i]?.siblings ?? 1,
    })
  })
  return lines
}

function byPlace(
  stats: readonly NodeStats[],
  found = new Map<string, NodeStats>(),
): ReadonlyMap<string, NodeStats> {
  for (const one of stats) {
    found.set(keyOf(one.span), one)
    byPlace(one.parts, found)
  }
  return found
}

/** The tree after a node was folded or unfolded. */
export function foldedAfter(folded: ReadonlySet<string>, { key }: Line, fold: boolean): ReadonlySet<string> {
  const next = new Set(folded)
  if (fold) next.add(key)
  else next.delete(key)
  return next
}

function keyOf({ from, to }: Span): string {
  return `${from}-${to}`
}

function placesOf(nodes: readonly QueryNode[]): { place: number; siblings: number }[] {
  const open: { siblings: number }[] = []
  const places: { place: number; group: { siblings: number } }[] = []
  for (const { depth } of nodes) {
    open.length = Math.min(open.length, depth + 1)
    const group = (open[depth] ??= { siblings: 0 })
    places.push({ place: ++group.siblings, group })
  }
  return places.map(({ place, group }) => ({ place, siblings: group.siblings }))
}

/** Where a key leads: to another line, or to the same one folded or unfolded. Null when it leads nowhere (the keys of
 *  https://www.w3.org/WAI/ARIA/apg/patterns/treeview/). */
export function afterKey(
  key: string,
  lines: readonly Line[],
  at: number,
): { readonly to: number } | { readonly fold: boolean } | null {
  const line = lines[at]
  if (!line) return null
  const parent = lines.findLastIndex(({ node }, i) => i < at && node.depth < line.node.depth)
  switch (key) {
    case 'ArrowDown':
      return { to: Math.min(at + 1, lines.length - 1) }
    case 'ArrowUp':
      return { to: Math.max(at - 1, 0) }
    case 'Home':
      return { to: 0 }
    case 'End':
      return { to: lines.length - 1 }
    case 'ArrowRight':
      if (!line.hasParts) return null
      return line.folded ? { fold: false } : { to: at + 1 }
    case 'ArrowLeft':
      if (line.hasParts && !line.folded) return { fold: true }
      return parent < 0 ? null : { to: parent }
    default:
      return null
  }
}
