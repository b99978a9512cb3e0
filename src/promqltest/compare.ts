import type { InstantAnswer, PlacedHistogram, RangeAnswer, SamplesAnswer } from '../engine/model/answers.ts'
import { formatFloat } from '../engine/model/float.ts'
import { FloatHistogram } from '../engine/model/histogram/float.ts'
import { compareLabels, formatLabels, labelsKey, type Labels } from '../engine/model/labels.ts'
import { almostEqual } from './almost.ts'
import type { Expected, Pattern, Times } from './expected.ts'
import { almostSameHistogram } from './comparehistograms.ts'
import { writeHistogram } from './histogram.ts'
import type { Series, Value } from './series.ts'

// Every comparison answers null when all is as expected, else what was wanted and what was found.

type Difference = string | null

/** Compares the answer of an instant query (upstream's `compareResult`). */
export function compareInstant(expected: Expected, answer: InstantAnswer): Difference {
  switch (answer.kind) {
    case 'scalar':
      return compareScalar(expected, answer.value)
    case 'string':
      return compareString(expected, answer.value)
    case 'vector': {
      const valueAt = valuesIn(answer.values, answer.histograms)
      const found = answer.labels.map((labels, i) => ({ labels, t: [answer.t], v: [valueAt(i)] }))
      return notSeries(expected, 'a vector') ?? compareVector(expected, found)
    }
    case 'samples':
      if (!expected.rangeVector) return 'want no range vector, found one'
      return compareMatrix(expected, expected.rangeVector, samplesOf(answer))
  }
}

/** Compares the answer of a range query over these times. */
export function compareRange(expected: Expected, times: Times, answer: RangeAnswer): Difference {
  if (expected.ordered) return 'want an order, found a matrix, which has its own'
  return notSeries(expected, 'a matrix') ?? compareMatrix(expected, times, rowsOf(answer))
}

/** Compares one step of a range query with what an instant query must answer. */
export function compareStep(
  expected: Expected,
  { step, scalar }: { step: number; scalar: boolean },
  answer: RangeAnswer,
): Difference {
  const t = answer.start + step * answer.step
  const found = rowsOf(answer).flatMap(({ labels, t: times, v }) => {
    const at = times.indexOf(t)
    return at < 0 ? [] : [{ labels, t: [t], v: [v[at] as Found] }]
  })
  const unsorted = compareOrder(rowsOf(answer))
  if (unsorted !== null) return unsorted
  if (!scalar) return compareVector(expected, found)
  const [only, ...others] = found
  if (!only || others.length > 0) return `want one scalar, found ${found.length}`
  const [value] = only.v
  return typeof value === 'number' ? compareScalar(expected, value) : 'want one scalar, found a histogram'
}

/** Compares annotations (upstream's `checkAnnotations`). */
export function compareNotes(
  expected: Expected,
  notes: { readonly warnings: readonly string[]; readonly infos: readonly string[] },
): Difference {
  if (expected.noWarn && notes.warnings.length > 0) return `want no warning, found ${list(notes.warnings)}`
  if (expected.noInfo && notes.infos.length > 0) return `want no info, found ${list(notes.infos)}`
  return (
    compareTexts('warning', expected.warn, notes.warnings) ?? compareTexts('info', expected.info, notes.infos)
  )
}

function compareTexts(kind: string, wanted: readonly Pattern[], found: readonly string[]): Difference {
  if (wanted.length === 0) return null
  const missing = wanted.find(({ matches }) => !found.some(matches))
  if (missing) return `want ${kind} ${missing.text || 'of any text'}, found ${list(found)}`
  const extra = found.find(text => !wanted.some(({ matches }) => matches(text)))
  return extra === undefined ? null : `want no other ${kind}, found ${extra}`
}

function list(texts: readonly string[]): string {
  return texts.length === 0 ? 'none' : texts.join('; ')
}

type Found = number | FloatHistogram

interface FoundSeries {
  readonly labels: Labels
  readonly t: readonly number[]
  readonly v: readonly Found[]
}

/** What an answer has at each place of its columns. */
function valuesIn(
  values: Float64Array,
  histograms: readonly PlacedHistogram[] | null,
): (at: number) => Found {
  const placed = new Map(histograms?.map(({ at, histogram }) => [at, FloatHistogram.of(histogram)]))
  return at => placed.get(at) ?? (values[at] as number)
}

function rowsOf({ start, step, steps, labels, values, present, histograms }: RangeAnswer): FoundSeries[] {
  const valueAt = valuesIn(values, histograms)
  return labels.map((labels, row) => {
    const t: number[] = []
    const v: Found[] = []
    for (let s = 0; s < steps; s++) {
      if (present[row * steps + s] === 0) continue
      t.push(start + s * step)
      v.push(valueAt(row * steps + s))
    }
    return { labels, t, v }
  })
}

function samplesOf({ labels, offsets, t, v, histograms }: SamplesAnswer): FoundSeries[] {
  const valueAt = valuesIn(v, histograms)
  return labels.map((labels, i) => {
    const times = t.subarray(offsets[i], offsets[i + 1])
    return { labels, t: [...times], v: Array.from(times, (_, k) => valueAt((offsets[i] as number) + k)) }
  })
}

function compareScalar({ scalar, series, string }: Expected, found: number): Difference {
  if (scalar === null || series.length > 0 || string !== null)
    return `want ${string === null ? 'series' : 'a string'}, found scalar ${formatFloat(found)}`
  if (almostEqual(scalar, found)) return null
  return `want scalar ${formatFloat(scalar)}, found scalar ${formatFloat(found)}`
}

function compareString({ string }: Expected, found: string): Difference {
  if (string === found) return null
  return `want ${string === null ? 'no string' : JSON.stringify(string)}, found ${JSON.stringify(found)}`
}

function notSeries({ scalar, string }: Expected, found: string): Difference {
  if (scalar !== null) return `want scalar ${formatFloat(scalar)}, found ${found}`
  return string === null ? null : `want ${JSON.stringify(string)}, found ${found}`
}

function compareVector(
  { series, ordered, rangeVector }: Expected,
  found: readonly FoundSeries[],
): Difference {
  if (rangeVector) return 'want a range vector, found an instant vector'
  const places = new Map(series.map(({ labels }, place) => [labelsKey(labels), place]))
  return compareEach(series, found, (wanted, { t, v }, place) => {
    const wantedPlace = places.get(labelsKey(wanted.labels))
    if (ordered && wantedPlace !== place) return `want it in place ${wantedPlace}, found it in ${place}`
    return compareValue(wanted.values[0] ?? null, v[0] as Found, t[0] as number)
  })
}

function compareMatrix({ series }: Expected, times: Times, found: readonly FoundSeries[]): Difference {
  return (
    compareOrder(found) ??
    compareEach(series, found, (wanted, { t, v }) => compareValues(wanted.values, times, t, v))
  )
}

/** Finds each series among those that are wanted, and the other way round. */
function compareEach(
  wanted: readonly Series[],
  found: readonly FoundSeries[],
  compare: (wanted: Series, found: FoundSeries, place: number) => Difference,
): Difference {
  const missing = new Map(wanted.map(series => [labelsKey(series.labels), series]))
  for (const [place, series] of found.entries()) {
    const key = labelsKey(series.labels)
    const other = missing.get(key)
    if (!other) return `want no ${nameOf(series.labels)}, or once, found ${show(series.v)}`
    missing.delete(key)
    const difference = compare(other, series, place)
    if (difference !== null) return `${nameOf(series.labels)}: ${difference}`
  }
  const [first] = missing.values()
  return first ? `want ${nameOf(first.labels)}, found none` : null
}

function compareOrder(found: readonly FoundSeries[]): Difference {
  for (let i = 1; i < found.length; i++) {
    const [before, after] = [found[i - 1] as FoundSeries, found[i] as FoundSeries]
    if (compareLabels(before.labels, after.labels) > 0)
      return `want the order of labels, found ${nameOf(before.labels)} before ${nameOf(after.labels)}`
  }
  return null
}

function compareValues(
  wanted: readonly Value[],
  { start, end, step }: Times,
  times: readonly number[],
  values: readonly Found[],
): Difference {
  let at = 0
  for (const [i, value] of wanted.entries()) {
    const t = start + i * step
    if (t > end) return `want ${wanted.length} values, but there are no times for so many`
    if (value === null) continue
    if (times[at] !== t) return `want ${write(value)} at ${t} ms, found ${placeOf(times, values, at)}`
    const difference = compareValue(value, values[at] as Found, t)
    if (difference !== null) return difference
    at++
  }
  return at === times.length ? null : `want no more values, found ${placeOf(times, values, at)}`
}

function compareValue(wanted: Value, found: Found, t: number): Difference {
  return isAlmost(wanted, found) ? null : `want ${write(wanted)} at ${t} ms, found ${writeFound(found)}`
}

function isAlmost(wanted: Value, found: Found): boolean {
  if (wanted === null) return false
  if (wanted.kind === 'histogram') return typeof found !== 'number' && almostSameHistogram(wanted, found)
  // No answer has stale markers.
  return typeof found === 'number' && !wanted.stale && almostEqual(wanted.v, found)
}

function placeOf(times: readonly number[], values: readonly Found[], at: number): string {
  const [t, v] = [times[at], values[at]]
  return t === undefined || v === undefined ? 'none' : `${writeFound(v)} at ${t} ms`
}

function write(value: Value): string {
  if (value === null) return 'no value'
  if (value.kind === 'histogram') return writeHistogram(value.histogram)
  return value.stale ? 'a stale marker' : formatFloat(value.v)
}

function writeFound(found: Found): string {
  return typeof found === 'number' ? formatFloat(found) : writeHistogram(found)
}

function show(values: readonly Found[]): string {
  return values.slice(0, 10).map(writeFound).join(' ') + (values.length > 10 ? ' …' : '')
}

function nameOf(labels: Labels): string {
  return formatLabels(labels) || '{}'
}
