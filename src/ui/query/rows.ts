import type { InstantAnswer, PlacedHistogram, SamplesAnswer } from '../../engine/model/answers.ts'
import type { Histogram } from '../../engine/model/histogram.ts'
import { labelsKey, type Labels } from '../../engine/model/labels.ts'
import { formatSample } from '../format/number.ts'
import { formatTime } from '../format/time.ts'
import { texts } from '../texts.ts'

/** A row of the table: whose value it is, and the value, or the samples of a range. */
export interface Row {
  readonly key: string
  /** Labels of a series, or what kind of value it is. */
  readonly who: Labels | string
  readonly values: readonly Value[]
  /** Samples that are not written out. */
  readonly more: number
}

/** A value as it is written, or a native histogram; with the time of a sample. */
interface Value {
  readonly value: string | Histogram
  readonly at: string | null
}

/** Samples that are written out for one series; a range vector can hold a day of them. */
const samplesShown = 100

export function rowCount(answer: InstantAnswer): number {
  return answer.kind === 'vector' || answer.kind === 'samples' ? answer.labels.length : 1
}

/** The first `limit` rows of an answer, in its order. */
export function toRows(answer: InstantAnswer, limit: number): Row[] {
  switch (answer.kind) {
    case 'scalar':
      return [single('scalar', texts.query.scalar, formatSample(answer.value))]
    case 'string':
      return [single('string', texts.query.string, answer.value)]
    case 'vector': {
      const histograms = byPlace(answer.histograms)
      return answer.labels
        .slice(0, limit)
        .map((labels, i) =>
          single(labelsKey(labels), labels, histograms.get(i) ?? formatSample(answer.values[i] ?? NaN)),
        )
    }
    case 'samples': {
      const histograms = byPlace(answer.histograms)
      return answer.labels.slice(0, limit).map((labels, i) => samplesRow(answer, histograms, labels, i))
    }
  }
}

function single(key: string, who: Labels | string, value: string | Histogram): Row {
  return { key, who, values: [{ value, at: null }], more: 0 }
}

function byPlace(placed: readonly PlacedHistogram[] | null): ReadonlyMap<number, Histogram> {
  return new Map(placed?.map(({ at, histogram }) => [at, histogram]))
}

function samplesRow(
  answer: SamplesAnswer,
  histograms: ReadonlyMap<number, Histogram>,
  labels: Labels,
  i: number,
): Row {
  const from = answer.offsets[i] ?? 0
  const to = answer.offsets[i + 1] ?? from
  const end = Math.min(to, from + samplesShown)
  const values: Value[] = []
  for (let k = from; k < end; k++) {
    const value = histograms.get(k) ?? formatSample(answer.v[k] ?? NaN)
    values.push({ value, at: formatTime(answer.t[k] ?? NaN) })
  }
  return { key: labelsKey(labels), who: labels, values, more: to - end }
}
