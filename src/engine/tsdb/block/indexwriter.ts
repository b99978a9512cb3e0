import { crc32c } from '../../bytes/crc32c.ts'
import { ByteReader } from '../../bytes/reader.ts'
import { ByteWriter } from '../../bytes/writer.ts'
import { assert } from '../../model/errors.ts'
import { compareLabels, type Labels } from '../../model/labels.ts'
import { indexMagic, postingsAlignment, seriesAlignment } from './indexformat.ts'
import type { ChunkMeta } from './indexreader.ts'
import { LabelPairs } from './labelpairs.ts'
import type { Output } from './output.ts'
import type { Pace } from './pace.ts'

/** So many small things are done between two looks at the clock. */
const atOnce = 64
/** Bytes whose checksum is computed at once, in less than a millisecond. */
const summedAtOnce = 256 * 1024

/** Collects the series of a block and writes its index, version 2. Symbols come first in the file and can be
 *  numbered only when all series are known, so series wait in memory in about the size that they will have. */
export class IndexWriter {
  private readonly labels = new LabelPairs()
  /** Each series: number of labels, their pairs, length of the chunks' part, chunks' part. */
  private readonly series = new ByteWriter(64 * 1024)
  private readonly chunks = new ByteWriter(1024)
  private readonly body = new ByteWriter(4096)
  private readonly record = new ByteWriter(4096)
  private count = 0
  private lastLabels: Labels = []
  private lastRef = -1

  /** Adds a series: labels and chunk references ascend from call to call, and so do the times of its chunks. */
  add(labels: Labels, chunks: readonly ChunkMeta[]): void {
    assert(this.count === 0 || compareLabels(this.lastLabels, labels) < 0, 'series are not in label order')
    this.lastLabels = labels
    this.count++
    this.series.uvarint(labels.length / 2)
    for (let i = 0; i < labels.length; i += 2) {
      this.series.uvarint(this.labels.add(labels[i] as string, labels[i + 1] as string))
    }
    this.encodeChunks(chunks)
    this.series.uvarint(this.chunks.length)
    this.series.raw(this.chunks.written())
  }

  /** @throws what the disk throws, or what ends the pace */
  async write(out: Output, pace: Pace): Promise<void> {
    this.put(out, w => {
      w.be32(indexMagic)
      w.u8(2)
    })
    const symbols = out.size
    const ordinals = await this.writeSymbols(out, pace)
    const series = out.size
    const postings = new Postings(this.labels.pairs)
    const refs = await this.writeSeries(out, ordinals, postings, pace)
    const endOfSeries = out.size
    const order = await this.labels.sortedPairs(ordinals, pace)
    out.align(postingsAlignment)
    const places = await this.writePostings(out, order, refs, postings, pace)
    const table = out.size
    await this.writeTable(out, order, places, pace)
    // As upstream since it writes no label indices: where they would have been (`ensureStage`).
    this.put(out, w => {
      for (const start of [symbols, series, endOfSeries, table, endOfSeries, table]) w.be64(start)
      w.be32(crc32c(w.written()))
    })
  }

  private encodeChunks(chunks: readonly ChunkMeta[]): void {
    const w = this.chunks
    w.reset()
    w.uvarint(chunks.length)
    let last: ChunkMeta | null = null
    for (const chunk of chunks) {
      const { minT, maxT, ref } = chunk
      assert(ref > this.lastRef, 'chunk references do not ascend')
      assert(maxT >= minT && (last === null || minT > last.maxT), 'chunks of a series overlap')
      if (last) w.uvarint(minT - last.maxT)
      else w.varint(minT)
      w.uvarint(maxT - minT)
      if (last) w.varint(ref - last.ref)
      else w.uvarint(ref)
      this.lastRef = ref
      last = chunk
    }
  }

  /** Answers the ordinals of the texts as symbols. */
  private async writeSymbols(out: Output, pace: Pace): Promise<Uint32Array> {
    const { texts } = this.labels
    const sorted = await this.labels.sortedTexts(pace)
    const ordinals = new Uint32Array(texts.length)
    const section = new Section(out, texts.length)
    for (let i = 0; i < sorted.length; i++) {
      const text = sorted[i] as number
      ordinals[text] = i
      section.body.string(texts[text] as string)
      if (i % atOnce === 0) await breath(pace)
    }
    await section.end(pace)
    return ordinals
  }

  /** Answers the references of the series. */
  private async writeSeries(
    out: Output,
    ordinals: Uint32Array,
    postings: Postings,
    pace: Pace,
  ): Promise<Uint32Array> {
    const refs = new Uint32Array(this.count)
    const collected = new ByteReader(this.series.written())
    for (let i = 0; i < this.count; i++) {
      if (out.full) await out.flush()
      if (i % atOnce === 0) await breath(pace)
      out.align(seriesAlignment)
      const ref = out.size / seriesAlignment
      if (ref >= 2 ** 32) throw new Error('index would exceed 64 GiB')
      refs[i] = ref
      const body = this.bodyOf(collected, ordinals, pair => postings.add(pair, ref))
      this.put(out, w => {
        w.uvarint(body.length)
        w.raw(body)
        w.be32(crc32c(body))
      })
    }
    return refs
  }

  /** The next collected series as the index has it, lent. */
  private bodyOf(collected: ByteReader, ordinals: Uint32Array, each: (pair: number) => void): Uint8Array {
    const w = this.body
    w.reset()
    const labels = collected.uvarint()
    w.uvarint(labels)
    for (let k = 0; k < labels; k++) {
      const pair = collected.uvarint()
      const { name, value } = this.labels.pairs[pair] as { name: number; value: number }
      w.uvarint(ordinals[name] as number)
      w.uvarint(ordinals[value] as number)
      each(pair)
    }
    w.raw(collected.slice(collected.uvarint()))
    return w.written()
  }

  /** Writes the list of all series and, by name and value, those of the labels; answers where each begins. */
  private async writePostings(
    out: Output,
    order: Uint32Array,
    all: Uint32Array,
    postings: Postings,
    pace: Pace,
  ): Promise<Float64Array> {
    const places = new Float64Array(order.length + 1)
    places[0] = out.size
    this.putList(out, all)
    for (let i = 0; i < order.length; i++) {
      if (out.full) await out.flush()
      if (i % atOnce === 0) await breath(pace)
      places[i + 1] = out.size
      this.putList(out, postings.of(order[i] as number))
    }
    return places
  }

  private putList(out: Output, refs: Uint32Array): void {
    this.put(out, w => {
      w.be32(refs.length * 4 + 4)
      w.be32(refs.length)
      for (const ref of refs) w.be32(ref)
      w.be32(crc32c(w.written().subarray(4)))
    })
  }

  private async writeTable(out: Output, order: Uint32Array, places: Float64Array, pace: Pace): Promise<void> {
    const { pairs, texts } = this.labels
    const section = new Section(out, places.length)
    for (let i = 0; i < places.length; i++) {
      const pair = i === 0 ? null : pairs[order[i - 1] as number]
      section.body.uvarint(2)
      section.body.string(pair ? (texts[pair.name] as string) : '')
      section.body.string(pair ? (texts[pair.value] as string) : '')
      section.body.uvarint(places[i] as number)
      if (i % atOnce === 0) await breath(pace)
    }
    await section.end(pace)
  }

  private put(out: Output, fill: (w: ByteWriter) => void): void {
    this.record.reset()
    fill(this.record)
    out.put(this.record.written())
  }
}

async function breath(pace: Pace): Promise<void> {
  if (pace.due) await pace.pause()
}

/** The series of each pair, one list behind the other. */
class Postings {
  private readonly refs: Uint32Array
  /** Where each list begins. */
  private readonly starts: Uint32Array
  private readonly lengths: Uint32Array

  constructor(pairs: readonly { readonly count: number }[]) {
    this.starts = new Uint32Array(pairs.length)
    this.lengths = new Uint32Array(pairs.length)
    let next = 0
    for (const [pair, { count }] of pairs.entries()) {
      this.starts[pair] = next
      next += count
    }
    this.refs = new Uint32Array(next)
  }

  add(pair: number, ref: number): void {
    const length = this.lengths[pair] as number
    this.refs[(this.starts[pair] as number) + length] = ref
    this.lengths[pair] = length + 1
  }

  of(pair: number): Uint32Array {
    const start = this.starts[pair] as number
    return this.refs.subarray(start, start + (this.lengths[pair] as number))
  }
}

/** A part of the file with its length in front, then the number of its entries, and its checksum at the end. */
class Section {
  readonly body = new ByteWriter(64 * 1024)
  private readonly out: Output

  constructor(out: Output, count: number) {
    this.out = out
    this.body.be32(count)
  }

  async end(pace: Pace): Promise<void> {
    const { out, body } = this
    if (body.length >= 2 ** 32) throw new Error('a section of the index would exceed 4 GiB')
    const frame = new ByteWriter(4)
    frame.be32(body.length)
    out.put(frame.written())
    out.put(body.written())
    let sum = 0
    for (let at = 0; at < body.length; at += summedAtOnce) {
      sum = crc32c(body.written().subarray(at, at + summedAtOnce), sum)
      await breath(pace)
    }
    frame.reset()
    frame.be32(sum)
    out.put(frame.written())
    await out.flush()
  }
}
