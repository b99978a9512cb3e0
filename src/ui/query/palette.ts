import type { Scheme } from '../theme.svelte.ts'

// Eight hues per scheme, each at least 3:1 against the background of the graph, neighbours different in lightness
// so that they stay apart without red or green (tests/ui/query/palette.test.ts holds both). Beyond eight, the
// line is dashed.
const hues: Record<Scheme, readonly string[]> = {
  light: ['#0b62b8', '#d44d00', '#00806b', '#7d057b', '#51945e', '#7a4ee9', '#7a2e0e', '#4c5b65'],
  dark: ['#5aa9f7', '#f7954c', '#4acda4', '#d66ab2', '#d6d154', '#9279fe', '#c9805c', '#b7c8dd'],
}
const dashes: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3]]

export interface Ink {
  readonly stroke: string
  /** Lengths of line and gap in pixels; empty for a whole line. */
  readonly dash: readonly number[]
}

export function ink(slot: number, scheme: Scheme): Ink {
  const set = hues[scheme]
  const dash = dashes[Math.floor(slot / set.length) % dashes.length] ?? []
  return { stroke: set[slot % set.length] ?? '#888888', dash }
}

/** What the graph draws besides series. */
export const frameInk: Record<
  Scheme,
  { readonly text: string; readonly grid: string; readonly background: string }
> = {
  light: { text: '#655d54', grid: '#00000014', background: '#ffffff' },
  dark: { text: '#a89f94', grid: '#ffffff14', background: '#1c1916' },
}

/** Gives every series a slot of the palette and remembers it: a series that comes or goes does not change the
 *  colour of the others. New ones get the slot that is used least. */
export class Slots {
  private slots = new Map<string, number>()

  /** The slots of these series, in their order; those of series that are gone become free. */
  assign(keys: readonly string[]): number[] {
    const next = new Map<string, number>()
    const taken = new Set<number>()
    for (const key of keys) {
      const slot = this.slots.get(key)
      if (slot === undefined || slot >= keys.length + hues.light.length || taken.has(slot)) continue
      next.set(key, slot)
      taken.add(slot)
    }
    let free = 0
    for (const key of keys) {
      if (next.has(key)) continue
      while (taken.has(free)) free++
      next.set(key, free)
      taken.add(free)
    }
    this.slots = next
    return keys.map(key => next.get(key) ?? 0)
  }
}
