import type { RangeAnswer, SamplesAnswer, VectorAnswer } from '../model/answers.ts'
import { compareLabels, type Labels } from '../model/labels.ts'
import type { Columns } from '../model/store.ts'
import type { Grid, Row } from './row.ts'

// Rows become the columns of an answer.

/** Collects the rows of a range query and puts them in the order of their labels. */
export class MatrixBuilder {
  private readonly grid: Grid
  private readonly labels: Labels[] = []
  private values = new Float64Array(0)
  private present = new Uint8Array(0)

  constructor(grid: Grid) {
    this.grid = grid
  }

  add(row: Row): void {
    const at = this.labels.length * this.grid.steps
    this.values = withRoom(this.values, at + this.grid.steps)
    this.present = withRoom(this.present, at + this.grid.steps)
    this.values.set(row.values, at)
    this.present.set(row.present, at)
    this.labels.push(row.labels)
  }

  finish(): Pick<RangeAnswer, 'kind' | 'start' | 'step' | 'steps' | 'labels' | 'values' | 'present'> {
    const { start, step, steps } = this.grid
    const order = this.labels.map((_, i) => i)
    order.sort((a, b) => compareLabels(this.labels[a] as Labels, this.labels[b] as Labels))
    const values = new Float64Array(order.length * steps)
    const present = new Uint8Array(order.length * steps)
    order.forEach((from, to) => {
      values.set(this.values.subarray(from * steps, (from + 1) * steps), to * steps)
      present.set(this.present.subarray(from * steps, (from + 1) * steps), to * steps)
    })
    const labels = order.map(i => this.labels[i] as Labels)
    return { kind: 'matrix', start, step, steps, labels, values, present }
  }
}

/** Collects the values of an instant query, in the order in which they come. */
export class VectorBuilder {
  private readonly labels: Labels[] = []
  private values = new Float64Array(0)

  add({ labels, values }: Row): void {
    this.values = withRoom(this.values, this.labels.length + 1)
    this.values[this.labels.length] = values[0] as number
    this.labels.push(labels)
  }

  finish(): Pick<VectorAnswer, 'kind' | 'labels' | 'values'> {
    return { kind: 'vector', labels: this.labels, values: this.values.slice(0, this.labels.length) }
  }
}

/** Collects the samples of a range vector. */
export class SamplesBuilder {
  private readonly labels: Labels[] = []
  private readonly offsets = [0]
  private t = new Float64Array(0)
  private v = new Float64Array(0)

  add(labels: Labels, { count, t, v }: Columns): void {
    const at = this.offsets.at(-1) as number
    this.t = withRoom(this.t, at + count)
    this.v = withRoom(this.v, at + count)
    this.t.set(t.subarray(0, count), at)
    this.v.set(v.subarray(0, count), at)
    this.labels.push(labels)
    this.offsets.push(at + count)
  }

  finish(): Pick<SamplesAnswer, 'kind' | 'labels' | 'offsets' | 't' | 'v'> {
    const { labels, offsets, t, v } = this
    const end = offsets.at(-1) as number
    return {
      kind: 'samples',
      labels,
      offsets: Uint32Array.from(offsets),
      t: t.slice(0, end),
      v: v.slice(0, end),
    }
  }
}

function withRoom<A extends Float64Array<ArrayBuffer> | Uint8Array<ArrayBuffer>>(
  array: A,
  length: number,
): A {
  if (array.length >= length) return array
  const roomier = new (array.constructor as new (length: number) => A)(Math.max(length, array.length * 2))
  roomier.set(array)
  return roomier
}
