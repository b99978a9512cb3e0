import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stripOf } from '../../../src/ui/blocks/strip.ts'
import { block } from '../fakeclient.ts'

const noHead = { minT: null, maxT: null }

/** Blocks written `a:0-20`; the answer as `a 0 left+width`, lane in the middle. */
function written(blocks: string, head: { minT: number | null; maxT: number | null } = noHead): string {
  const infos = blocks.split(' ').map(text => {
    const [, ulid = '', minT, maxT] = /^(\w+):(\d+)-(\d+)$/.exec(text) ?? []
    return block(ulid, Number(minT), Number(maxT))
  })
  const { bars = [] } = stripOf(infos, head) ?? {}
  return bars.map(({ key, lane, left, width }) => `${key} ${lane} ${left}+${width}`).join(', ')
}

test('blocks one after the other lie in one lane', () => {
  expect(written('b:25-75 a:0-25 c:90-100')).toBe('a 0 0+25, b 0 25+50, c 0 90+10')
})

test('blocks that overlap lie in different lanes, the longer one above', () => {
  expect(written('a:0-50 b:0-100 c:50-100')).toBe('b 0 0+100, a 1 0+50, c 1 50+50')
})

test('the head lies behind them, with its last sample', () => {
  expect(written('a:0-50', { minT: 50, maxT: 99 })).toBe('a 0 0+50, head 0 50+50')
})

test('a block of one moment is a point', () => {
  expect(written('a:5-5')).toBe('a 0 0+0')
})

test('without blocks there is no strip', () => {
  expect(stripOf([], { minT: 0, maxT: 1 })).toBeNull()
})

test('however many overlap, the lanes stay few and every bar inside', () => {
  const some = fc.array(fc.tuple(fc.nat(1e12), fc.nat(1e9)), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(some, ranges => {
      const strip = stripOf(
        ranges.map(([minT, size], i) => block(String(i), minT, minT + size)),
        undefined,
      )!
      expect(strip.bars.length).toBe(ranges.length)
      expect(strip.lanes).toBeLessThanOrEqual(6)
      for (const { left, width, lane } of strip.bars) {
        expect(left).toBeGreaterThanOrEqual(0)
        expect(left + width).toBeLessThan(100.001)
        expect(lane).toBeLessThan(strip.lanes)
      }
    }),
  )
})
