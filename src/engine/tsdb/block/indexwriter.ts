import { crc32c } from '../../bytes/crc32c.ts'
import { ByteReader } from '../../bytes/reader.ts'
import { ByteWriter } from '../../bytes/writer.ts'
import { assert } from '../../model/errors.ts'
import { compareBytes, compareLabels, type Labels } from '../../model/labels.ts'
import { indexMagic, postingsAlignment, seriesAlignment } from './indexformat.ts'
import type { ChunkMeta } from './indexreader.ts'
import type { Output } from './output.ts'

/** A name with one of its values, and what is known of it once all series are there. */
interface Pair {
  readonly name: string
  readonly value: string
  /** Series that carry it. */
  count: number
  /** Ordinals of its symbols. */
  nameOrdinal: number
  valueOrdinal: number
  /** Where its next reference goes among all postings. */
  next: number
}

/** Collects the series of a block and writes its index, version 2. Symbols come first in the file and can be
 *  numbered only when all series are known, so series wait in memory in about the size that they will have. */
export class IndexWriter {
  private readonly pairs: Pair[] = []
  private readonly byName = new Map<string, Map<string, number>>()
  /** Each series: number of labels, their pairs, length of the chunks' part, chunks' part. */
  private readonly series = new ByteWriter(64 * 1024)
  private readonly chunks = new ByteWriter(1024)
  private readonly body = new ByteWriter(4096)
  private readonly record = new ByteWriter(4096)
  /** The lists of all pairs, one behind the other. */
  private postings = new Uint32Array(0)
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
      const pair = this.pairOf(labels[i] as string, labels[i + 1] as string)
      ;(this.pairs[pair] as Pair).count++
      this.series.uvarint(pair)
    }
    this.encodeChunks(chunks)
    this.series.uvarint(this.chunks.length)
    this.series.raw(this.chunks.written())
  }

  async write(out: Output, signal?: AbortSignal): Promise<void> {
    this.put(out, w => {
      w.be32(indexMagic)
      w.u8(2)
    })
    const symbols = out.size
    await this.writeSymbols(out)
    const series = out.size
    const refs = await this.writeSeries(out, signal)
    const endOfSeries = out.size
    const places = await this.writePostings(out, refs, signal)
    const table = out.size
    await this.writeTable(out, places)
    // As upstream since it writes no label indices: where they would have been (`ensureStage`).
    this.put(out, w => {
      for (const start of [symbols, series, endOfSeries, table, endOfSeries, table]) w.be64(start)
      w.be32(crc32c(w.written()))
    })
  }

  private pairOf(name: string, value: string): number {
    let values = this.byName.get(name)
    if (!values) this.byName.set(name, (values = new Map<string, number>()))
    const known = values.get(value)
    if (known !== undefined) return known
    const created = this.pairs.length
    this.pairs.push({ name, value, count: 0, nameOrdinal: 0, valueOrdinal: 0, next: 0 })
    values.set(value, created)
    return created
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

  /** Numbers the symbols. The empty one is always there: upstream has it from its key for all series. */
  private async writeSymbols(out: Output): Promise<void> {
    const texts = new Set([''])
    for (const { name, value } of this.pairs) texts.add(name).add(value)
    const sorted = [...texts].sort(compareBytes)
    const ordinals = new Map(sorted.map((text, i) => [text, i]))
    for (const pair of this.pairs) {
      pair.nameOrdinal = ordinals.get(pair.name) as number
      pair.valueOrdinal = ordinals.get(pair.value) as number
    }
    await this.writeSection(out, w => {
      w.be32(sorted.length)
      for (const text of sorted) w.string(text)
    })
  }

  /** Answers the references of the series. */
  private async writeSeries(out: Output, signal: AbortSignal | undefined): Promise<Uint32Array> {
    const refs = new Uint32Array(this.count)
    const collected = new ByteReader(this.series.written())
    this.reservePostings()
    const postings = new Uint32Array(this.pairs.reduce((sum, pair) => sum + pair.count, 0))
    for (let i = 0; i < this.count; i++) {
      if (out.full) {
        signal?.throwIfAborted()
        await out.flush()
      }
      out.align(seriesAlignment)
      const ref = out.size / seriesAlignment
      if (ref >= 2 ** 32) throw new Error('index would exceed 64 GiB')
      refs[i] = ref
      const body = this.bodyOf(collected, pair => (postings[pair.next++] = ref))
      this.put(out, w => {
        w.uvarint(body.length)
        w.raw(body)
        w.be32(crc32c(body))
      })
    }
    this.postings = postings
    return refs
  }

  private reservePostings(): void {
    let next = 0
    for (const pair of this.pairs) {
      pair.next = next
      next += pair.count
    }
  }

  /** The next collected series as the index has it, lent. */
  private bodyOf(collected: ByteReader, each: (pair: Pair) => void): Uint8Array {
    const w = this.body
    w.reset()
    const labels = collected.uvarint()
    w.uvarint(labels)
    for (let k = 0; k < labels; k++) {
      const pair = this.pairs[collected.uvarint()] as Pair
      w.uvarint(pair.nameOrdinal)
      w.uvarint(pair.valueOrdinal)
      each(pair)
    }
    w.raw(collected.slice(collected.uvarint()))
    return w.written()
  }

  /** Writes the list of all series and, by name and value, those of the labels; answers where each begins. */
  private async writePostings(
    out: Output,
    all: Uint32Array,
    signal: AbortSignal | undefined,
  ): Promise<Place[]> {
    out.align(postingsAlignment)
    const places = [{ name: '', value: '', offset: out.size }]
    this.putList(out, all)
    this.pairs.sort((a, b) => a.nameOrdinal - b.nameOrdinal || a.valueOrdinal - b.valueOrdinal)
    for (const { name, value, count, next } of this.pairs) {
      if (out.full) {
        signal?.throwIfAborted()
        await out.flush()
      }
      places.push({ name, value, offset: out.size })
      this.putList(out, this.postings.subarray(next - count, next))
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

  private writeTable(out: Output, places: readonly Place[]): Promise<void> {
    return this.writeSection(out, w => {
      w.be32(places.length)
      for (const { name, value, offset } of places) {
        w.uvarint(2)
        w.string(name)
        w.string(value)
        w.uvarint(offset)
      }
    })
  }

  /** Writes a section with its length in front and its checksum. */
  private async writeSection(out: Output, fill: (w: ByteWriter) => void): Promise<void> {
    const section = new ByteWriter(64 * 1024)
    fill(section)
    if (section.length >= 2 ** 32) throw new Error('a section of the index would exceed 4 GiB')
    this.put(out, w => w.be32(section.length))
    out.put(section.written())
    this.put(out, w => w.be32(crc32c(section.written())))
    await out.flush()
  }

  private put(out: Output, fill: (w: ByteWriter) => void): void {
    this.record.reset()
    fill(this.record)
    out.put(this.record.written())
  }
}

interface Place {
  readonly name: string
  readonly value: string
  readonly offset: number
}
