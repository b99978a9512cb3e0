import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CorruptionError } from '../../../src/engine/bytes/corruption.ts'
import { SampleColumns } from '../../../src/engine/chunks/columns.ts'
import { xorCount } from '../../../src/engine/chunks/xor.ts'
import { decodeXor2 } from '../../../src/engine/chunks/xor2.ts'

/** A chunk that Prometheus 3.14's own code wrote: samples are start timestamp, time, and the value's bits. */
interface Written {
  readonly name: string
  readonly hex: string
  readonly samples: readonly (readonly [string, string, string])[]
}

const written = readFileSync(new URL('xor2.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line) as Written)

describe.each(written)('a chunk of Prometheus 3.14 with $name', ({ hex, samples }) => {
  const chunk = Buffer.from(hex, 'hex')

  test('is decoded to its samples, bit for bit', () => {
    const columns = new SampleColumns()
    const starts = new Float64Array(samples.length)
    decodeXor2(chunk, xorCount(chunk), columns, starts)
    const found = Array.from({ length: columns.count }, (_, i) => [
      String(starts[i]),
      String(columns.t[i]),
      wordHex(columns.bits[2 * i + 1]!) + wordHex(columns.bits[2 * i]!),
    ])
    expect(found).toEqual(samples)
  })

  test('is decoded without its start timestamps, behind samples that are there already', () => {
    const columns = new SampleColumns()
    columns.add(-1, 0, 0)
    const some = Math.ceil(samples.length / 2)
    decodeXor2(chunk, some, columns)
    expect([...columns.t.subarray(0, columns.count)]).toEqual([
      -1,
      ...samples.slice(0, some).map(([, t]) => Number(t)),
    ])
  })

  test('is refused when it is cut short', () => {
    const short = chunk.subarray(0, chunk.length - 2)
    expect(() => decodeXor2(short, samples.length, new SampleColumns())).toThrow(CorruptionError)
  })
})

test('bytes of any kind give samples or a CorruptionError, and no more memory than they have room for', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(0xffff), (bytes, count) => {
      const columns = new SampleColumns()
      try {
        decodeXor2(bytes, count, columns)
        expect(columns.count).toBe(count)
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptionError)
      }
      expect(columns.t.length).toBeLessThan(10_000)
    }),
    { numRuns: 500 },
  )
})

function wordHex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0')
}
