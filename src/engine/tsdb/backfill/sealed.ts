import { ByteWriter } from '../../bytes/writer.ts'
import type { XorChunk } from '../../chunks/xor.ts'

/** A finished chunk on its way to a block. */
export interface SealedChunk {
  /** Number of its series. */
  readonly series: number
  /** Line of the text that has its first sample. */
  readonly line: number
  /** Times of the first and the last sample. */
  readonly minT: number
  readonly maxT: number
  readonly samples: number
  readonly bytes: Uint8Array
}

/** What a chunk takes beside its bytes. */
const columnBytes = 44

/** Finished chunks in memory: their bytes one behind the other, the rest in columns. */
export class SealedChunks {
  count = 0
  private columns = columnsOf(256)
  private readonly data = new ByteWriter(64 * 1024)

  /** Memory that they take. */
  get bytes(): number {
    return this.data.length + this.count * columnBytes
  }

  /** @param start of the time range whose block the chunk will be in */
  add(start: number, series: number, line: number, chunk: XorChunk): void {
    if (this.count === this.columns.start.length) this.columns = grown(this.columns)
    const { columns } = this
    const i = this.count++
    const bytes = chunk.encoded()
    columns.start[i] = start
    columns.series[i] = series
    columns.line[i] = line
    columns.minT[i] = chunk.minT
    columns.maxT[i] = chunk.t
    columns.samples[i] = chunk.count
    columns.from[i] = this.data.length
    columns.length[i] = bytes.length
    this.data.raw(bytes)
  }

  /** The chunks of each time range, ranges ascending; within one by the series' rank, those of a series as they came. */
  sorted(rank: Int32Array): Map<number, number[]> {
    const { start, series } = this.columns
    const byRange = new Map<number, number[]>()
    for (let i = 0; i < this.count; i++) {
      const range = byRange.get(start[i] as number)
      if (range) range.push(i)
      else byRange.set(start[i] as number, [i])
    }
    const rankOf = (i: number) => rank[series[i] as number] as number
    for (const range of byRange.values()) range.sort((a, b) => rankOf(a) - rankOf(b) || a - b)
    return new Map([...byRange].sort(([a], [b]) => a - b))
  }

  /** Its bytes are lent until the next `add` or `clear`. */
  at(i: number): SealedChunk {
    const { series, line, minT, maxT, samples, from, length } = this.columns
    const at = from[i] as number
    return {
      series: series[i] as number,
      line: line[i] as number,
      minT: minT[i] as number,
      maxT: maxT[i] as number,
      samples: samples[i] as number,
      bytes: this.data.written().subarray(at, at + (length[i] as number)),
    }
  }

  clear(): void {
    this.count = 0
    this.data.reset()
  }
}

function columnsOf(size: number) {
  return {
    start: new Float64Array(size),
    series: new Uint32Array(size),
    line: new Float64Array(size),
    minT: new Float64Array(size),
    maxT: new Float64Array(size),
    samples: new Uint16Array(size),
    from: new Uint32Array(size),
    length: new Uint16Array(size),
  }
}

function grown(columns: ReturnType<typeof columnsOf>): ReturnType<typeof columnsOf> {
  const more = columnsOf(columns.start.length * 2)
  more.start.set(columns.start)
  more.series.set(columns.series)
  more.line.set(columns.line)
  more.minT.set(columns.minT)
  more.maxT.set(columns.maxT)
  more.samples.set(columns.samples)
  more.from.set(columns.from)
  more.length.set(columns.length)
  return more
}
