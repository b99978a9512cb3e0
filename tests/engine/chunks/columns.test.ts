import { describe, expect, test } from 'vitest'
import { nanBits, SampleColumns, staleBits } from '../../../src/engine/chunks/columns.ts'

function columns(...times: number[]): SampleColumns {
  const samples = new SampleColumns()
  for (const t of times) samples.add(t, 0x3ff00000, t)
  return samples
}

describe('clip', () => {
  test.each([
    [-Infinity, Infinity, [10, 20, 30]],
    [10, 30, [10, 20, 30]],
    [11, 29, [20]],
    [20, 20, [20]],
    [21, 29, []],
    [31, 99, []],
    [-5, 9, []],
    [20.5, 30, [30]],
    [30, 10, []],
  ])('to [%d, %d] keeps what lies in it, ends included', (minT, maxT, expected) => {
    const samples = columns(10, 20, 30)
    samples.clip(minT, maxT)
    expect([...samples.t.subarray(0, samples.count)]).toEqual(expected)
    expect([...samples.bits.subarray(0, samples.count * 2)].filter((_, i) => i % 2 === 0)).toEqual(expected)
  })
})

describe('cut', () => {
  test.each([
    [-Infinity, Infinity, []],
    [10, 20, [30]],
    [11, 29, [10, 30]],
    [20, 30, [10]],
    [21, 29, [10, 20, 30]],
    [31, 99, [10, 20, 30]],
    [30, 10, [10, 20, 30]],
  ])('takes what lies in [%d, %d] out, ends included', (minT, maxT, expected) => {
    const samples = columns(10, 20, 30)
    samples.cut(minT, maxT)
    expect([...samples.t.subarray(0, samples.count)]).toEqual(expected)
    expect([...samples.bits.subarray(0, samples.count * 2)].filter((_, i) => i % 2 === 0)).toEqual(expected)
  })
})

describe('splitStale', () => {
  test('answers null when there is no marker, and leaves NaN a value', () => {
    const samples = columns(1, 2)
    samples.add(3, nanBits.high, nanBits.low)
    expect(samples.splitStale()).toBeNull()
    expect(samples.v[2]).toBeNaN()
  })

  test('tells the markers apart and leaves plain NaNs behind, each time anew', () => {
    const samples = columns(1, 2)
    samples.add(3, staleBits.high, staleBits.low)
    expect(samples.splitStale()).toEqual(Uint8Array.of(0, 0, 1))
    expect([samples.bits[5], samples.bits[4]]).toEqual([nanBits.high, nanBits.low])
    samples.count = 0
    samples.add(4, staleBits.high, staleBits.low)
    samples.add(5, 0, 0)
    samples.add(6, 0, 0)
    expect(samples.splitStale()).toEqual(Uint8Array.of(1, 0, 0))
  })

  test('markers survive that the columns grow', () => {
    const samples = new SampleColumns(1)
    for (let i = 0; i < 100; i++) samples.add(i, staleBits.high, staleBits.low)
    expect(samples.splitStale()?.every(flag => flag === 1)).toBe(true)
  })
})
