import type { InstantAnswer, PlacedHistogram, RangeAnswer } from '../../../src/engine/model/answers.ts'
import { FloatHistogram } from '../../../src/engine/model/histogram/float.ts'
import { BucketCursor } from '../../../src/engine/model/histogram/floatbuckets.ts'
import { pairsOf, type Labels } from '../../../src/engine/model/labels.ts'

// Answers of ours and of Prometheus's HTTP API in one form, and what is not the same in two of them.

interface HistogramPoint {
  readonly count: number
  readonly sum: number
  /** Lower bound, upper bound, count; empty ones are left out. */
  readonly buckets: readonly (readonly [number, number, number])[]
}

type Point = number | HistogramPoint | string

/** Points by time, by series. */
export interface Comparable {
  readonly type: string
  readonly rows: ReadonlyMap<string, ReadonlyMap<number, Point>>
}

/** The query has no answer. */
export interface Refusal {
  readonly errorType: string
  readonly error: string
}

export type Outcome = Comparable | Refusal

export function isRefusal(outcome: Outcome): outcome is Refusal {
  return 'error' in outcome
}

export function isEmpty(outcome: Outcome): boolean {
  return isRefusal(outcome) || outcome.rows.size === 0
}

export function ours(answer: InstantAnswer | RangeAnswer): Comparable {
  const rows = new Map<string, Map<number, Point>>()
  const add = (labels: Labels, t: number, point: Point) => {
    const key = keyOf(Object.fromEntries(pairsOf(labels)))
    const row = rows.get(key) ?? new Map<number, Point>()
    row.set(t, point)
    rows.set(key, row)
  }
  switch (answer.kind) {
    case 'scalar':
    case 'string':
      add([], answer.t, answer.value)
      break
    case 'vector': {
      const points = pointsOf(answer.values, answer.histograms)
      answer.labels.forEach((labels, i) => add(labels, answer.t, points[i]!))
      break
    }
    case 'matrix': {
      const points = pointsOf(answer.values, answer.histograms)
      answer.labels.forEach((labels, i) => {
        for (let s = 0, at = i * answer.steps; s < answer.steps; s++, at++) {
          if (answer.present[at] !== 0) add(labels, answer.start + s * answer.step, points[at]!)
        }
      })
      break
    }
    case 'samples': {
      const points = pointsOf(answer.v, answer.histograms)
      answer.labels.forEach((labels, i) => {
        for (let at = answer.offsets[i]!; at < answer.offsets[i + 1]!; at++)
          add(labels, answer.t[at]!, points[at]!)
      })
    }
  }
  return { type: answer.kind === 'samples' ? 'matrix' : answer.kind, rows }
}

function pointsOf(values: Float64Array, histograms: readonly PlacedHistogram[] | null): Point[] {
  const points: Point[] = Array.from(values)
  for (const { at, histogram } of histograms ?? []) {
    const { count, sum } = histogram
    points[at] = { count, sum, buckets: bucketsOf(FloatHistogram.of(histogram)) }
  }
  return points
}

function bucketsOf(histogram: FloatHistogram): [number, number, number][] {
  const cursor = new BucketCursor()
  const found: [number, number, number][] = []
  cursor.ascend(histogram)
  while (cursor.next()) if (cursor.count !== 0) found.push([cursor.lower, cursor.upper, cursor.count])
  return found
}

type TimedValue = readonly [seconds: number, value: string]
type TimedHistogram = readonly [
  seconds: number,
  histogram: {
    readonly count: string
    readonly sum: string
    readonly buckets?: readonly (readonly [unknown, string, string, string])[]
  },
]

interface Item {
  readonly metric: Record<string, string>
  readonly value?: TimedValue
  readonly values?: readonly TimedValue[]
  readonly histogram?: TimedHistogram
  readonly histograms?: readonly TimedHistogram[]
}

/** What Prometheus's API says. */
export interface ApiAnswer extends Partial<Refusal> {
  readonly status: string
  readonly data?: { readonly resultType: string; readonly result: readonly Item[] | TimedValue }
}

export function theirs({ data, error, errorType }: ApiAnswer): Outcome {
  // 2.42 says it of instants, not of ranges.
  const where = 'invalid parameter "query": '
  if (!data) return { error: String(error).replace(where, ''), errorType: String(errorType) }
  const { resultType, result } = data
  if (resultType === 'scalar' || resultType === 'string') {
    const [seconds, value] = result as TimedValue
    const point = resultType === 'string' ? value : numberOf(value)
    return { type: resultType, rows: new Map([['{}', new Map([[ms(seconds), point]])]]) }
  }
  const rows = (result as readonly Item[]).map(item => [keyOf(item.metric), pointsOfItem(item)] as const)
  return { type: resultType, rows: new Map(rows) }
}

function pointsOfItem({ value, values = [], histogram, histograms = [] }: Item): Map<number, Point> {
  const floats = value ? [value] : values
  const natives = histogram ? [histogram] : histograms
  return new Map<number, Point>([
    ...floats.map(([seconds, text]) => [ms(seconds), numberOf(text)] as const),
    ...natives.map(([seconds, { count, sum, buckets = [] }]) => {
      const each = buckets.map(([, ...of]) => of.map(numberOf) as [number, number, number])
      return [ms(seconds), { count: numberOf(count), sum: numberOf(sum), buckets: each }] as const
    }),
  ])
}

function keyOf(metric: Record<string, string>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1))))
}

function ms(seconds: number): number {
  return Math.round(seconds * 1000)
}

function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'))
}

/** What is not the same, a line each; none when the answers agree. */
export function differences(a: Outcome, b: Outcome): string[] {
  if (isRefusal(a) || isRefusal(b)) return refused(a, b)
  if (a.type !== b.type) return [`a ${a.type} here, a ${b.type} there`]
  const series = [...new Set([...a.rows.keys(), ...b.rows.keys()])]
  return series.flatMap(key => {
    const [mine, peers] = [a.rows.get(key), b.rows.get(key)]
    const times = [...new Set([...(mine?.keys() ?? []), ...(peers?.keys() ?? [])])]
    const wrong = times.filter(t => !same(mine?.get(t), peers?.get(t)))
    return wrong.map(t => `${key} at ${t}: ${show(mine?.get(t))} here, ${show(peers?.get(t))} there`)
  })
}

/** Whether the values of an instant come in another order, where the expression asks for one. */
export function misordered(a: Outcome, b: Outcome): string[] {
  if (isRefusal(a) || isRefusal(b) || a.rows.size !== b.rows.size) return []
  const [mine, peers] = [a, b].map(({ rows }) => [...rows.values()].flatMap(row => [...row.values()]))
  if (mine!.every((point, i) => same(point, peers![i]))) return []
  return [`in the order ${mine!.map(show).join(', ')} here, ${peers!.map(show).join(', ')} there`]
}

function refused(a: Outcome, b: Outcome): string[] {
  const [mine, peers] = [a, b].map(outcome =>
    isRefusal(outcome) ? `${outcome.errorType}: ${unordered(outcome.error)}` : 'an answer',
  )
  return mine === peers ? [] : [`${mine} here, ${peers} there`]
}

/** Which of two series that cannot be told apart is named first is left to chance in 2.42. */
function unordered(message: string): string {
  return message.replace(
    /\[(.*), (\{.*)\]/,
    (_, ...series: string[]) => `[${series.slice(0, 2).sort().join(', ')}]`,
  )
}

function show(point: Point | undefined): string {
  return point === undefined ? 'none' : typeof point === 'object' ? JSON.stringify(point) : String(point)
}

function same(a: Point | undefined, b: Point | undefined): boolean {
  if (typeof a === 'number' && typeof b === 'number') return almost(a, b)
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  return (
    almost(a.count, b.count) &&
    almost(a.sum, b.sum) &&
    a.buckets.length === b.buckets.length &&
    a.buckets.every((bucket, i) => bucket.every((number, k) => almost(number, b.buckets[i]![k]!)))
  )
}

function almost(a: number, b: number): boolean {
  return Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b))
}
