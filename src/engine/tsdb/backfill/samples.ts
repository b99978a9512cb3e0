import { nanBits } from '../../chunks/columns.ts'
import { XorChunk } from '../../chunks/xor.ts'
import { formatFloat, formatSeconds } from '../../exposition/format.ts'
import type { OpenMetricsCursor } from '../../exposition/openmetrics.ts'
import { ImportError } from '../../model/errors.ts'
import { compareLabels, formatLabels, labelsFrom, labelsKey, type Labels } from '../../model/labels.ts'
import type { TimeRange } from '../../model/store.ts'
import { rangeEnd, xorForesee, xorFull } from '../head/chunks.ts'
import { timeLimit } from '../head/head.ts'
import { SeriesKeys } from './keys.ts'
import { SealedChunks } from './sealed.ts'

/** Names and values of labels of all series; more are more than a store could hold. */
const mostKeyBytes = 512 * 1024 * 1024

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

/** The samples of a text as they come in, in chunks. Each series has one chunk that is open: it is sealed when it is full,
 *  and when the series goes on in another time range. */
export class Samples {
  /** Finished chunks. */
  readonly sealed = new SealedChunks()
  /** Of each series, by its number. */
  readonly labels: Labels[] = []
  /** Times of the first and the last sample of each range, by its start. */
  readonly spans = new Map<number, TimeRange>()

  private readonly blockMs: number
  private readonly keys: SeriesKeys
  private readonly open: OpenSeries[] = []
  /** Numbers by labels: a series can be written in several ways. */
  private readonly numbers = new Map<string, number>()
  /** Strings of labels, each once. */
  private readonly strings = new Map<string, string>()
  private rank = new Int32Array(0)

  /** @param blockMs length of the time ranges
   *  @param seed 32 bits by chance */
  constructor(blockMs: number, seed: number) {
    this.blockMs = blockMs
    this.keys = new SeriesKeys(seed)
  }

  /** Takes the sample that the cursor stands at.
   *  @throws ImportError when it has no time, or not one behind the series' last one in its range */
  add(cursor: OpenMetricsCursor): void {
    const { timestamp: t, value } = cursor
    if (!cursor.hasTimestamp) refuse(cursor, `want a timestamp for each sample, have none`)
    if (Math.abs(t) >= timeLimit) refuse(cursor, `want a time in milliseconds within 2^52, have ${t}`)
    const series = this.seriesAt(cursor)
    const open = this.open[series] as OpenSeries
    if (t < open.start || t >= open.end) this.startRange(series, open, t)
    float[0] = value
    const nan = Number.isNaN(value)
    const high = nan ? nanBits.high : (words[1] as number)
    const low = nan ? nanBits.low : (words[0] as number)
    const { chunk } = open
    if (chunk && t <= chunk.t) {
      if (t < chunk.t || high !== chunk.high || low !== chunk.low) this.refuseOrder(cursor, series, chunk)
    } else this.append(series, open, cursor, high, low)
  }

  /** Seals all open chunks. */
  finish(): void {
    for (const [series, open] of this.open.entries()) this.seal(series, open)
  }

  /** Place of each series, by its number, in the order of their labels. */
  ranks(): Int32Array {
    const { labels } = this
    if (this.rank.length === labels.length) return this.rank
    const order = Array.from(labels, (_, series) => series)
    order.sort((a, b) => compareLabels(labels[a] as Labels, labels[b] as Labels))
    this.rank = new Int32Array(order.length)
    for (const [place, series] of order.entries()) this.rank[series] = place
    return this.rank
  }

  private append(
    series: number,
    open: OpenSeries,
    cursor: OpenMetricsCursor,
    high: number,
    low: number,
  ): void {
    const { timestamp: t } = cursor
    let { chunk } = open
    if (chunk && !xorFull(chunk)) xorForesee(chunk)
    if (!chunk || xorFull(chunk) || t >= chunk.nextAt) {
      this.seal(series, open)
      chunk = open.chunk = new XorChunk()
      open.line = cursor.line
      // Upstream's writer is told twice the block's length, and cuts chunks accordingly (tsdb/backfill.go of promtool).
      chunk.nextAt = rangeEnd(t, 2 * this.blockMs)
    }
    chunk.append(t, high, low)
  }

  private startRange(series: number, open: OpenSeries, t: number): void {
    this.seal(series, open)
    open.start = Math.floor(t / this.blockMs) * this.blockMs
    open.end = open.start + this.blockMs
  }

  private seal(series: number, open: OpenSeries): void {
    const { chunk, start } = open
    if (!chunk) return
    this.sealed.add(start, series, open.line, chunk)
    open.chunk = null
    const { minT, t: maxT } = chunk
    const span = this.spans.get(start) ?? { minT, maxT }
    this.spans.set(start, { minT: Math.min(span.minT, minT), maxT: Math.max(span.maxT, maxT) })
  }

  private seriesAt(cursor: OpenMetricsCursor): number {
    const { bytes, keyFrom, keyTo, type } = cursor
    // Of these two types the value of a label depends.
    const kind = type === 'histogram' ? 1 : type === 'summary' ? 2 : 0
    const known = this.keys.find(bytes, keyFrom, keyTo, kind)
    if (known >= 0) return known
    if (this.keys.bytes + keyTo - keyFrom > mostKeyBytes) {
      refuse(cursor, `want names and labels of all series within ${mostKeyBytes / 1024 ** 2} MiB, have more`)
    }
    const series = this.numberOf(labelsFrom(cursor.labels()))
    this.keys.add(bytes, keyFrom, keyTo, kind, series)
    return series
  }

  private numberOf(labels: Labels): number {
    const key = labelsKey(labels)
    const known = this.numbers.get(key)
    if (known !== undefined) return known
    const series = this.labels.push(labels.map(text => this.once(text))) - 1
    this.numbers.set(key, series)
    this.open.push({ start: 0, end: 0, chunk: null, line: 0 })
    return series
  }

  private once(text: string): string {
    const known = this.strings.get(text)
    if (known !== undefined) return known
    this.strings.set(text, text)
    return text
  }

  private refuseOrder(cursor: OpenMetricsCursor, series: number, { t }: XorChunk): never {
    const labels = this.labels[series] as Labels
    const found = cursor.timestamp < t ? undefined : cursor.value
    throw orderError(cursor.line, labels, { t: cursor.timestamp, before: t, value: found })
  }
}

/** What of a series is being written. */
interface OpenSeries {
  /** The time range of the last sample, [start, end). */
  start: number
  end: number
  chunk: XorChunk | null
  /** Line of its first sample. */
  line: number
}

function refuse(cursor: OpenMetricsCursor, problem: string): never {
  throw new ImportError(`line ${cursor.line}: ${problem} for ${formatLabels(labelsFrom(cursor.labels()))}`)
}

/** A sample that is not behind the last one of its series in the same range; upstream's `out of order sample` and
 *  `duplicate sample for timestamp`.
 *  @param place `value` is told where another one stands at the same time */
export function orderError(
  line: number,
  labels: Labels,
  { t, before, value }: { t: number; before: number; value: number | undefined },
): ImportError {
  const series = formatLabels(labels)
  const problem =
    value === undefined
      ? `want the samples of ${series} in order, have ${formatSeconds(t)} behind ${formatSeconds(before)}`
      : `want one value of ${series} at ${formatSeconds(t)}, have ${formatFloat(value)}, too`
  return new ImportError(`line ${line}: ${problem}`)
}
