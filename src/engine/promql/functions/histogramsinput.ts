import { keepLabels, labelsKey, metricName, valueOf, type Labels } from '../../model/labels.ts'
import { badBucketLabel, mixedClassicNative } from '../annotations.ts'
import type { Expr } from '../syntax/ast.ts'
import { evaluate } from '../evaluate.ts'
import type { Evaluation } from '../evaluation.ts'
import type { ClassicBuckets } from './quantileclassic.ts'
import { copyOf, presence, type Row } from '../row.ts'

/** The label that says where a bucket of a classic histogram ends (upstream's `model.BucketLabel`). */
const bucketLabel = 'le'

/** The histograms of an instant vector: native ones, and classic ones whose buckets are series of their own. */
export class HistogramInput {
  readonly natives: Row[] = []
  readonly classics: ClassicHistogram[] = []
  /** Whether a native histogram and a classic one have the same labels. */
  hasNamesakes = false
  private readonly byLabels = new Map<string, ClassicHistogram>()
  private readonly expr: Expr
  private readonly query: Evaluation

  private constructor(expr: Expr, query: Evaluation) {
    this.expr = expr
    this.query = query
  }

  /** Evaluates an instant vector and sorts its rows. */
  static async of(expr: Expr, query: Evaluation): Promise<HistogramInput> {
    const input = new HistogramInput(expr, query)
    await evaluate(expr, query, row => input.take(row))
    for (const classic of input.classics) classic.sort()
    for (const native of input.natives) input.settle(native)
    return input
  }

  /** The name to speak of in annotations: none where names are removed at once. */
  nameOf(labels: Labels): string {
    return this.query.options.delayedNameRemoval ? valueOf(labels, metricName) : ''
  }

  private take(row: Row): void {
    if (row.histograms) this.natives.push(copyOf(row))
    if (row.present.includes(presence.float)) this.takeBucket(row)
  }

  private takeBucket(row: Row): void {
    const { labels } = row
    const text = valueOf(labels, bucketLabel)
    const bound = parsedBound(text)
    if (bound === null) {
      this.query.note(badBucketLabel(this.nameOf(labels), text), this.expr.span)
      return
    }
    const rest = keepLabels(labels, name => name !== bucketLabel)
    const key = labelsKey(rest)
    let classic = this.byLabels.get(key)
    if (!classic) {
      classic = new ClassicHistogram(rest, row.present.length)
      this.byLabels.set(key, classic)
      this.classics.push(classic)
    }
    classic.take(bound, row)
  }

  /** Where both are there at a step, neither counts. */
  private settle({ labels, present }: Row): void {
    const classic = this.byLabels.get(labelsKey(labels))
    if (!classic) return
    this.hasNamesakes = true
    for (let s = 0; s < present.length; s++) {
      if (present[s] !== presence.histogram || classic.present[s] === presence.none) continue
      present[s] = presence.none
      classic.present[s] = presence.none
      this.query.note(mixedClassicNative(this.nameOf(labels)), this.expr.span)
    }
  }
}

interface Bucket {
  readonly bound: number
  readonly values: Float64Array
  readonly present: Uint8Array
}

/** The buckets of a classic histogram at all steps. */
export class ClassicHistogram {
  /** Without that of the bucket. */
  readonly labels: Labels
  /** A `presence` for each step: whether there is any bucket. */
  readonly present: Uint8Array
  private readonly buckets: Bucket[] = []

  constructor(labels: Labels, steps: number) {
    this.labels = labels
    this.present = new Uint8Array(steps)
  }

  take(bound: number, { values, present }: Row): void {
    this.buckets.push({ bound, values: values.slice(), present: present.slice() })
    for (let s = 0; s < present.length; s++)
      if (present[s] === presence.float) this.present[s] = presence.float
  }

  sort(): void {
    this.buckets.sort((a, b) => (a.bound < b.bound ? -1 : a.bound > b.bound ? 1 : 0))
  }

  /** Fills in the buckets of a step. */
  fill(target: ClassicBuckets, step: number): void {
    target.clear()
    for (const { bound, values, present } of this.buckets) {
      if (present[step] === presence.float) target.add(bound, values[step] as number)
    }
  }
}

/** What Go's `strconv.ParseFloat` makes of a label; null when that is an error. Different from Go: hexadecimal numbers
 *  and underscores are errors, too. */
function parsedBound(text: string): number | null {
  const named = /^(?:([+-]?)inf(?:inity)?|nan)$/i.exec(text)
  if (named) return named[1] === undefined ? NaN : named[1] === '-' ? -Infinity : Infinity
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return null
  const bound = Number(text)
  return Number.isFinite(bound) ? bound : null
}
