import { assert } from '../../model/errors.ts'
import type { Labels } from '../../model/labels.ts'
import type { Matching } from './matching.ts'
import { copyOf, histogramAt, presence, setHistogram, type Row } from '../row.ts'

/** Rows of the "one" side that match the same. There may be one of them at each step. */
export class MatchGroup {
  /** The rows, put together where it makes no difference to the result which of them it is. */
  readonly columns: Row[] = []
  /** 1 where a row of the "many" side has found its match; made when it is needed. */
  matched: Uint8Array | null = null
  /** The same for each result, by its labels. */
  matchedBy: Map<string, Uint8Array> | null = null
  private readonly included: string[] = []
  private readonly members: { readonly labels: Labels; readonly present: Uint8Array }[] = []

  /** Whether any of the rows has something at a step. */
  has(step: number): boolean {
    for (const { present } of this.columns) if (present[step] !== presence.none) return true
    return false
  }

  /** Where two rows meet, the first one stays.
   *  @param included rows that have it in common become one column */
  add(row: Row, included: string): void {
    // The first row is remembered by its column as long as it is alone.
    const [first] = this.columns
    if (first) {
      if (this.members.length === 0) this.remember(first)
      this.remember(row)
    }
    const column = this.columns[this.included.indexOf(included)]
    if (column) append(row, column)
    else {
      this.columns.push(copyOf(row))
      this.included.push(included)
    }
  }

  private remember({ labels, present }: Row): void {
    this.members.push({ labels, present: present.slice() })
  }

  /** The labels of the first row that has something at a step. */
  labelsAt(step: number): Labels {
    const members = this.members.length > 0 ? this.members : this.columns
    const member = members.find(({ present }) => present[step] !== presence.none)
    assert(member, `no row at step ${step}`)
    return member.labels
  }
}

/** Puts a row into a column where the column has nothing. */
function append(row: Row, column: Row): void {
  for (let s = 0; s < row.present.length; s++) {
    if (row.present[s] === presence.none || column.present[s] !== presence.none) continue
    if (row.present[s] === presence.histogram) setHistogram(column, s, histogramAt(row, s))
    else {
      column.present[s] = presence.float
      column.values[s] = row.values[s] as number
    }
  }
}

/** Two rows that match the same at a step. */
interface Duplicate {
  readonly step: number
  readonly labels: Labels
  readonly other: Labels
}

/** All rows of the "one" side, found by what has to match. */
export class OneSide {
  private readonly matching: Matching
  private readonly byKey = new Map<string, MatchGroup>()
  /** By step, the first two rows that meet there. */
  private readonly met = new Map<number, Duplicate>()
  /** 1 where it matters that rows meet, because there is something to combine them with. */
  private readonly asked: Uint8Array

  /** @param filled whether the other side may be missing */
  constructor(matching: Matching, steps: number, filled: boolean) {
    this.matching = matching
    this.asked = new Uint8Array(steps).fill(filled ? 1 : 0)
  }

  add(row: Row): void {
    const group = this.groupOrEmpty(this.matching.keyOf(row.labels))
    if (group.columns.length > 0) this.meet(row, group)
    group.add(row, this.matching.includedKey(row.labels))
  }

  private meet({ labels, present }: Row, group: MatchGroup): void {
    for (let step = 0; step < present.length; step++) {
      if (present[step] === presence.none || !group.has(step) || this.met.has(step)) continue
      this.met.set(step, { step, labels, other: group.labelsAt(step) })
    }
  }

  /** Is told of each row of the "many" side, matched or not. */
  see({ present }: Row): void {
    for (const step of this.met.keys()) if (present[step] !== presence.none) this.asked[step] = 1
  }

  group(key: string): MatchGroup | undefined {
    return this.byKey.get(key)
  }

  /** The group, made when there is none. */
  groupOrEmpty(key: string): MatchGroup {
    let group = this.byKey.get(key)
    if (!group) this.byKey.set(key, (group = new MatchGroup()))
    return group
  }

  groups(): Iterable<MatchGroup> {
    return this.byKey.values()
  }

  /** Rows that meet where it matters: Prometheus objects. */
  duplicates(): Duplicate[] {
    return [...this.met.values()].filter(({ step }) => this.asked[step] === 1)
  }
}
