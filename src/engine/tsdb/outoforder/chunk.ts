import type { SampleColumns } from '../../chunks/columns.ts'
import { decodeChunk } from '../../chunks/decode.ts'
import type { HistogramColumns } from '../../model/histogram/columns.ts'

/** Samples of one series in time order. */
export interface Run {
  /** Times of the first and the last. */
  readonly minT: number
  readonly maxT: number
  /** Adds them behind those that the columns have: floats to one, histograms to the other. */
  decode(floats: SampleColumns, histograms: HistogramColumns): void
}

/** A chunk of out-of-order samples that takes no more of them. */
export class OutOfOrderChunk implements Run {
  readonly minT: number
  readonly maxT: number
  /** One that is decodable. */
  readonly encoding: number
  readonly bytes: Uint8Array

  constructor({
    minT,
    maxT,
    encoding,
    bytes,
  }: Pick<OutOfOrderChunk, 'minT' | 'maxT' | 'encoding' | 'bytes'>) {
    this.minT = minT
    this.maxT = maxT
    this.encoding = encoding
    this.bytes = bytes
  }

  decode(floats: SampleColumns, histograms: HistogramColumns): void {
    decodeChunk(this.encoding, this.bytes, floats, histograms)
  }
}
