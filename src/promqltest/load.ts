import { parseDuration } from '../engine/model/duration.ts'
import type { FloatHistogram } from '../engine/model/histogram/float.ts'
import { labelsKey, type Labels } from '../engine/model/labels.ts'
import type { Line, Lines } from './lines.ts'
import { convertClassic } from './nhcb.ts'
import { readAt, ScriptError } from './scripterror.ts'
import type { HistogramValue } from './histogram.ts'
import { readSeries, readStartTimes, type FloatValue, type Series } from './series.ts'

export interface StoredSample {
  /** Milliseconds. */
  readonly t: number
  /** NaN where it is something else. */
  readonly v: number
  readonly stale: boolean
  /** A native histogram instead of a value. */
  readonly histogram: FloatHistogram | null
  /** When the counter began, milliseconds; 0 when nobody says. */
  readonly start: number
}

export interface StoredSeries {
  readonly labels: Labels
  /** In the order of time. */
  readonly samples: readonly StoredSample[]
}

/** `load 1m` or `load_with_nhcb 1m` and the series below it. */
export interface Load {
  readonly kind: 'load'
  readonly line: number
  readonly series: readonly StoredSeries[]
}

interface Loaded extends Series {
  /** Relative to the samples; null without a line of them. */
  readonly starts: readonly (number | null)[] | null
}

/** @throws ScriptError */
export function readLoad(line: Line, lines: Lines): Load {
  const [, nhcb, step = ''] = /^load(_with_nhcb)?\s+(\S+)$/.exec(line.text) ?? []
  const stepMs = parseDuration(step)
  if (stepMs === null) throw new ScriptError(`want load[_with_nhcb] and a duration, found ${line.text}`)
  const loaded = readBlock(lines).map(series => ({
    labels: series.labels,
    samples: samplesOf(series, stepMs),
  }))
  const series = nhcb === undefined ? loaded : [...loaded, ...readAt(line, () => convertClassic(loaded))]
  return { kind: 'load', line: line.number, series }
}

/** The series of the block; of lines with the same metric the last one counts. */
function readBlock(lines: Lines): Loaded[] {
  const byLabels = new Map<string, Loaded>()
  for (let line = lines.more(); line; line = lines.more()) {
    const starts = readStarts(line)
    const below = starts ? lines.more() : line
    if (!below) throw new ScriptError('want samples below the start timestamps', line.number)
    const series = readAt(below, readSeries)
    const key = labelsKey(series.labels)
    if (starts) checkStarts(starts, series, key, line)
    byLabels.set(key, { ...series, starts: starts?.values ?? null })
  }
  return [...byLabels.values()]
}

interface Starts {
  readonly key: string
  readonly values: readonly (number | null)[]
}

/** A line whose first word ends in `@st`; null when it is another. */
function readStarts(line: Line): Starts | null {
  const [, metric, items] = /^(\S*)@st\s+(.*)$/.exec(line.text) ?? []
  if (metric === undefined || items === undefined) return null
  return readAt(line, () => {
    const { labels } = readSeries(metric)
    return { key: labelsKey(labels), values: readStartTimes(items) }
  })
}

function checkStarts({ key, values }: Starts, series: Series, seriesKey: string, { number }: Line): void {
  if (key !== seriesKey) throw new ScriptError('want the same metric in the line below', number)
  const [wanted, found] = [series.values.length, values.length]
  if (wanted !== found) throw new ScriptError(`want ${wanted} start timestamps, found ${found}`, number)
}

function samplesOf({ values, starts }: Loaded, stepMs: number): StoredSample[] {
  return values.flatMap((value, i) => {
    const t = i * stepMs
    const offset = starts?.[i] ?? null
    return value === null ? [] : [sampleOf(value, t, offset === null ? 0 : t + offset)]
  })
}

function sampleOf(value: FloatValue | HistogramValue, t: number, start: number): StoredSample {
  if (value.kind === 'histogram') return { t, v: NaN, stale: false, histogram: value.histogram, start }
  return { t, v: value.v, stale: value.stale, histogram: null, start }
}
