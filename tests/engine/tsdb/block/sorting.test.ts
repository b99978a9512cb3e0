import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareBytes } from '../../../../src/engine/model/labels.ts'
import { Pace } from '../../../../src/engine/tsdb/block/pace.ts'
import { sortedOrder } from '../../../../src/engine/tsdb/block/sorting.ts'

test('any texts come into order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string({ unit: 'binary' })), async texts => {
      const order = await sortedOrder(
        texts.length,
        (a, b) => compareBytes(texts[a]!, texts[b]!),
        Pace.hurried,
      )
      expect([...order].sort((a, b) => a - b)).toEqual(texts.map((_, i) => i))
      expect(Array.from(order, i => texts[i])).toEqual(texts.toSorted(compareBytes))
    }),
    { numRuns: 30 },
  )
})

test.each([2047, 2048, 2049, 4096, 5000, 20_000])(
  '%i numbers come into order, others run meanwhile',
  async count => {
    const keys = Array.from({ length: count }, (_, i) => (i * 7919) % 10_007)
    let turns = 0
    let now = 0
    const host = {
      monotonic: () => (now += 5),
      yield: () => {
        turns++
        return Promise.resolve()
      },
    }
    const order = await sortedOrder(count, (a, b) => keys[a]! - keys[b]!, new Pace(host))
    expect(Array.from(order, i => keys[i])).toEqual(keys.toSorted((a, b) => a - b))
    // Whenever 8 ms have passed: at every second look at the clock, one for each 2048 numbers of each pass.
    const passes = 1 + Math.max(0, Math.ceil(Math.log2(count / 2048)))
    expect(turns).toBeGreaterThanOrEqual(Math.floor((Math.floor(count / 2048) * passes) / 2))
  },
)
