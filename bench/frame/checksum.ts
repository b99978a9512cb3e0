import { labelsKey, type Labels } from '../../src/engine/model/labels.ts'

const float = new Float64Array(1)
const words = new Int32Array(float.buffer)

/** Of samples in any order: two sets of samples that differ in a series, a time or a bit of a value differ in it, but
 *  for one chance in 2^32. */
export class Checksum {
  samples = 0
  private sum = 0

  add(key: number, t: number, v: number): void {
    float[0] = v
    let mixed = Math.imul(key ^ (words[0] as number), 0x9e3779b1)
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ (words[1] as number), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13) ^ (t | 0), 0xc2b2ae35)
    this.sum = (this.sum + (mixed ^ (mixed >>> 16))) | 0
    this.samples++
  }

  /** `SAMPLES samples, checksum HEX`: equal for equal samples. */
  toString(): string {
    return `${this.samples} samples, checksum ${(this.sum >>> 0).toString(16).padStart(8, '0')}`
  }
}

/** FNV-1a over a label set. */
export function seriesKey(labels: Labels): number {
  const text = labelsKey(labels)
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return hash | 0
}
