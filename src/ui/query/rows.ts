import type { InstantAnswer } from '../../engine/model/answers.ts'
import { labelsKey, type Labels } from '../../engine/model/labels.ts'
import { formatSample } from '../format/number.ts'
import { formatTime } from '../format/time.ts'
import { texts } from '../texts.ts'

/** A row of the table: whose value it is, and the value, or the samples one a line. */
export interface Row {
  readonly key: string
  /** Labels of a series, or what kind of value it is. */
  readonly who: Labels | string
  readonly values: readonly string[]
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
      return [{ key: 'scalar', who: texts.query.scalar, values: [formatSample(answer.value)] }]
    case 'string':
      return [{ key: 'string', who: texts.query.string, values: [answer.value] }]
    case 'vector':
      return answer.labels.slice(0, limit).map((labels, i) => ({
        key: labelsKey(labels),
        who: labels,
        values: [formatSample(answer.values[i] ?? NaN)],
      }))
    case 'samples':
      return answer.labels.slice(0, limit).map((labels, i) => ({
        key: labelsKey(labels),
        who: labels,
        values: samplesOf(answer, i),
      }))
  }
}

function samplesOf(answer: Extract<InstantAnswer, { kind: 'samples' }>, i: number): string[] {
  const from = answer.offsets[i] ?? 0
  const to = answer.offsets[i + 1] ?? from
  const lines: string[] = []
  for (let k = from; k < Math.min(to, from + samplesShown); k++) {
    lines.push(`${formatSample(answer.v[k] ?? NaN)}  @${formatTime(answer.t[k] ?? NaN)}`)
  }
  if (to - from > samplesShown) lines.push(texts.query.moreSamples(to - from - samplesShown))
  return lines
}
