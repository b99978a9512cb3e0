import { QueryError } from '../../model/errors.ts'
import { labelsKey } from '../../model/labels.ts'
import type { MatchGroup } from './groups.ts'
import { sameLabels } from '../naming.ts'
import { emptyRow, histogramAt, presence, setHistogram, type Row } from '../row.ts'

/** What Prometheus finds first within a step, from the first to the last. */
const order = { input: 0, match: 1, result: 2 } as const

/** What is wrong. The earliest step counts, as if the query went step by step. */
export class Objections {
  private step = Infinity
  private rank: number = order.result
  private error: (() => QueryError) | null = null

  add(step: number, what: keyof typeof order, error: () => QueryError): void {
    const rank = order[what]
    if (step > this.step || (step === this.step && rank >= this.rank)) return
    this.step = step
    this.rank = rank
    this.error = error
  }

  /** @throws QueryError when anything is */
  check(): void {
    if (this.error) throw this.error()
  }
}

/** Results that have to be held, because rows of the "many" side can have the same one: at different steps they are
 *  joined, at the same step it is an error. */
export class JoinedResults {
  private readonly steps: number
  private readonly oneToOne: boolean
  private readonly ambiguous: string
  private readonly objections: Objections
  private readonly byKey = new Map<string, Row>()

  /** @param oneToOne whether each match may have one result only, whatever its labels
   *  @param ambiguous what to say when it has more */
  constructor(steps: number, oneToOne: boolean, ambiguous: string, objections: Objections) {
    this.steps = steps
    this.oneToOne = oneToOne
    this.ambiguous = ambiguous
    this.objections = objections
  }

  /** @param matched 1 where a pair was found, even if a comparison filters it */
  add(group: MatchGroup, row: Row, matched: Uint8Array): void {
    const key = labelsKey(row.labels)
    group.matched ??= new Uint8Array(this.steps)
    if (this.oneToOne) this.matchOnce(group.matched, matched)
    else {
      this.matchOnce(this.matchedBy(group, key), matched)
      for (let s = 0; s < matched.length; s++) if (matched[s] === 1) group.matched[s] = 1
    }
    this.join(key, row)
  }

  private matchedBy(group: MatchGroup, key: string): Uint8Array {
    group.matchedBy ??= new Map()
    let found = group.matchedBy.get(key)
    if (!found) group.matchedBy.set(key, (found = new Uint8Array(this.steps)))
    return found
  }

  private matchOnce(before: Uint8Array, matched: Uint8Array): void {
    for (let s = 0; s < matched.length; s++) {
      if (matched[s] === 0) continue
      if (before[s] === 1) this.objections.add(s, 'match', () => new QueryError('execution', this.ambiguous))
      before[s] = 1
    }
  }

  private join(key: string, row: Row): void {
    let joined = this.byKey.get(key)
    if (!joined) {
      this.byKey.set(key, (joined = emptyRow(this.steps, row.labels)))
      joined.dropName = row.dropName
    }
    for (let s = 0; s < row.present.length; s++) {
      if (row.present[s] === presence.none) continue
      if (joined.present[s] !== presence.none) this.objections.add(s, 'result', sameLabels)
      else if (row.present[s] === presence.histogram) setHistogram(joined, s, histogramAt(row, s))
      else {
        joined.present[s] = presence.float
        joined.values[s] = row.values[s] as number
      }
    }
  }

  rows(): Iterable<Row> {
    return this.byKey.values()
  }
}
