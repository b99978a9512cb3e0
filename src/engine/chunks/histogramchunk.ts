import { assert } from '../model/errors.ts'
import { emptyLayout, resetHint, type HistogramLayout } from '../model/histogram.ts'
import { HistogramColumns } from '../model/histogram/columns.ts'
import { bucketsIn } from '../model/histogram/spans.ts'
import { BitWriter } from './bits.ts'
import { decodeFloatHistograms, FloatSamples } from './floathistogram.ts'
import { decodeHistograms, IntegerSamples } from './histogram.ts'
import {
  fitOf,
  gaugeFits,
  headerAfter,
  headerOf,
  jointLayout,
  slotsIn,
  type ChunkEnd,
  type Slots,
} from './histogramfit.ts'
import { resetHeader, writeHeader, type ResetHeader } from './histogramlayout.ts'

/** On disk; never renumber. */
export const histogramEncoding = { integer: 2, float: 3 } as const

/** A chunk of histograms that is being written, sample by sample, by upstream's rules: its samples share one layout, and
 *  within a counter's chunk nothing was reset. Like an XOR chunk, a reader that remembers `bytes` and `count` together
 *  reads the same samples whatever is appended later. */
export class HistogramChunk {
  readonly encoding: 2 | 3
  private readonly float: boolean
  private readonly header: ResetHeader
  private body: Body

  private constructor(header: ResetHeader, from: HistogramColumns, i: number) {
    this.float = from.float[i] === 1
    this.encoding = this.float ? histogramEncoding.float : histogramEncoding.integer
    this.header = header
    this.body = new Body(header, this.float, from.stale[i] ? emptyLayout : from.layoutOf(i))
    this.body.write(from, i)
  }

  /** Begins a chunk with sample i. Its header says what is known of a reset between the sample and `previous`, the chunk
   *  before it that was cut for its size or age.
   *  @param previous null when there is none, or one that holds something else */
  static begin(from: HistogramColumns, i: number, previous: HistogramChunk | null): HistogramChunk {
    const alike = previous !== null && previous.float === (from.float[i] === 1)
    return new HistogramChunk(headerAfter(alike ? previous.body.end : null, from, i), from, i)
  }

  /** Samples so far. */
  get count(): number {
    return this.body.count
  }

  /** Bytes that the samples take, as upstream counts them before it appends. */
  get byteLength(): number {
    return this.body.bits.byteLength
  }

  /** The chunk so far, without its count; zeros behind it. Another array when the one is full, and when the chunk is
   *  written anew for new buckets. */
  get bytes(): Uint8Array {
    return this.body.bits.bytes
  }

  /** Adds sample i behind the others where it fits; all of them are written anew when it brings new buckets. Otherwise
   *  begins the next chunk with it. The sample has this chunk's encoding, is valid and later than the last.
   *  @returns the chunk that has it: this one, or the next */
  append(from: HistogramColumns, i: number): HistogramChunk {
    assert(this.count < 0xffff, 'chunk is full')
    assert((from.float[i] === 1) === this.float, 'a chunk has either integer or float histograms')
    const gauge = from.hint[i] === resetHint.gauge
    const { end } = this.body
    if (gauge) {
      if (!gaugeFits(end, from, i)) return new HistogramChunk(resetHeader.gauge, from, i)
    } else {
      const fit = fitOf(end, from, i, this.body.slotsOf(from, i))
      if (fit !== 'fits') return new HistogramChunk(headerOf(fit, this.float), from, i)
    }
    if (this.body.slotsOf(from, i)?.includes(-1)) {
      this.recode(jointLayout(end.layout, from.layoutOf(i), gauge))
    }
    this.body.write(from, i)
    return this
  }

  /** The finished chunk in an array of its own. */
  encoded(): Uint8Array {
    const encoded = this.body.bits.copy()
    encoded[0] = this.count >>> 8
    encoded[1] = this.count & 0xff
    return encoded
  }

  /** Writes all samples anew with more buckets. */
  private recode(layout: HistogramLayout): void {
    const samples = new HistogramColumns(this.count)
    const decode = this.float ? decodeFloatHistograms : decodeHistograms
    decode(this.encoded(), this.count, samples)
    this.body = new Body(this.header, this.float, layout)
    for (let i = 0; i < samples.count; i++) this.body.write(samples, i)
  }
}

const noCounts = new Float64Array(0)

/** Samples of one layout, and the last of them. */
class Body {
  count = 0
  readonly bits = new BitWriter(128)
  readonly end: ChunkEnd
  private readonly samples: IntegerSamples | FloatSamples
  /** The layout that was last looked up in the chunk's, and what was found. */
  private seen: HistogramLayout
  private slots: Slots = null

  constructor(header: ResetHeader, float: boolean, layout: HistogramLayout) {
    const positives = bucketsIn(layout.positiveSpans)
    const size = positives + bucketsIn(layout.negativeSpans)
    writeHeader(this.bits, header, layout)
    this.samples = float ? new FloatSamples(size) : new IntegerSamples(positives, size)
    this.seen = layout
    this.end = {
      layout,
      gauge: header === resetHeader.gauge,
      observations: 0,
      zeroCount: 0,
      stale: false,
      buckets: new Float64Array(size),
    }
  }

  /** Where sample i's buckets are in the chunk's layout; a stale marker has none. */
  slotsOf(from: HistogramColumns, i: number): Slots {
    if (from.stale[i]) return null
    const layout = from.layoutOf(i)
    if (layout !== this.seen) {
      this.slots = slotsIn(this.end.layout, layout)
      this.seen = layout
    }
    return this.slots
  }

  /** Adds a sample that fits and whose buckets are all in the layout. */
  write(from: HistogramColumns, i: number): void {
    const { end } = this
    end.stale = from.stale[i] === 1
    if (!end.stale) {
      end.observations = from.observations[i] as number
      end.zeroCount = from.zeroCount[i] as number
      this.place(from, i)
    }
    this.samples.write(this.bits, from, i, end.stale ? noCounts : end.buckets, this.count === 0)
    this.count++
  }

  private place(from: HistogramColumns, i: number): void {
    const { buckets } = this.end
    const slots = this.slotsOf(from, i)
    const offset = from.offset[i] as number
    if (slots === null) {
      buckets.set(from.buckets.subarray(offset, offset + from.size(i)))
      return
    }
    buckets.fill(0)
    const bits = new Int32Array(buckets.buffer)
    for (let k = 0; k < slots.length; k++) {
      const slot = slots[k] as number
      bits[2 * slot] = from.bucketBits[2 * (offset + k)] as number
      bits[2 * slot + 1] = from.bucketBits[2 * (offset + k) + 1] as number
    }
  }
}
