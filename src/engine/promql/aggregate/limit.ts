import { xxhash64 } from '../../bytes/xxhash64.ts'
import { labelsKey, type Labels } from '../../model/labels.ts'
import { groupLabels } from './groups.ts'
import { chooseFrom, parameterOf, sampleFrom } from './parameter.ts'
import type { AggregateExpr } from '../syntax/ast.ts'
import type { Evaluation } from '../evaluation.ts'
import { masked, presence, type Sink } from '../row.ts'

// Aggregations that take series as they come, whatever their values are.

/** The first k series of each group at every step, in the order in which they come. */
export async function limitSeries(expr: AggregateExpr, query: Evaluation, sink: Sink): Promise<void> {
  const { steps } = query.grid
  const k = await parameterOf(expr, query)
  const labelsOf = groupLabels(expr)
  const taken = new Map<string, Uint32Array>()
  const kept = new Uint8Array(steps)
  await chooseFrom(expr, k, query, row => {
    const key = labelsKey(labelsOf(row.labels))
    let counts = taken.get(key)
    if (!counts) taken.set(key, (counts = new Uint32Array(steps)))
    for (let s = 0; s < steps; s++) {
      const room = (counts[s] as number) < Math.trunc(k.values[s] as number)
      kept[s] = room ? (row.present[s] as number) : presence.none
      if (kept[s] !== presence.none) counts[s] = (counts[s] as number) + 1
    }
    sink(masked(row, kept))
  })
}

/** A share of the series: always the same ones, and for a negative ratio those that its complement leaves out. Groups
 *  make no difference. */
export async function limitRatio(expr: AggregateExpr, query: Evaluation, sink: Sink): Promise<void> {
  const ratio = await parameterOf(expr, query)
  const kept = new Uint8Array(query.grid.steps)
  await sampleFrom(expr, ratio, query, row => {
    const offset = sampleOffset(row.labels)
    for (let s = 0; s < kept.length; s++) {
      const sampled = isSampled(offset, ratio.values[s] as number)
      kept[s] = sampled ? (row.present[s] as number) : presence.none
    }
    sink(masked(row, kept))
  })
}

function isSampled(offset: number, ratio: number): boolean {
  return ratio >= 0 ? offset < Math.min(1, ratio) : offset >= 1 + Math.max(-1, ratio)
}

/** Where a label set stands in [0, 1] (upstream `HashRatioSampler`): the hash of what upstream's labels are in memory, each
 *  string behind its length. */
function sampleOffset(labels: Labels): number {
  return Number(xxhash64(encoded(labels))) / 2 ** 64
}

const utf8 = new TextEncoder()

/** A length is a byte, or 255 and three bytes, the lowest first. */
function encoded(labels: Labels): Uint8Array {
  const strings = labels.map(text => utf8.encode(text))
  const bytes = new Uint8Array(strings.reduce((size, { length }) => size + 4 + length, 0))
  let at = 0
  for (const string of strings) {
    const { length } = string
    if (length < 255) bytes[at++] = length
    else for (const byte of [255, length, length >> 8, length >> 16]) bytes[at++] = byte
    bytes.set(string, at)
    at += length
  }
  return bytes.subarray(0, at)
}
