import { describe, expect, test } from 'vitest'
import { nodesOf } from '../../../src/engine/language.ts'
import type { NodeStats } from '../../../src/engine/model/answers.ts'
import { afterKey, foldedAfter, linesOf } from '../../../src/ui/query/tree.ts'

const nodes = nodesOf('sum(rate(a[5m])) / (sum(b) + 1)')
const folded = (...texts: string[]) =>
  new Set(nodes.filter(({ text }) => texts.includes(text)).map(({ span }) => `${span.from}-${span.to}`))
const lines = (...shut: string[]) => linesOf(nodes, null, folded(...shut))

test('lines know where they stand among their siblings', () => {
  expect(
    lines().map(({ node, place, siblings }) => `${' '.repeat(node.depth)}${node.text} ${place}/${siblings}`),
  ).toEqual([
    '… / … 1/1',
    ' sum(…) 1/2',
    '  rate(…) 1/1',
    '   a[5m] 1/1',
    ' … + 1 2/2',
    '  sum(…) 1/1',
    '   b 1/1',
  ])
})

test('what is inside of a folded node is not there', () => {
  expect(lines('rate(…)', '… + 1').map(({ node }) => node.text)).toEqual([
    '… / …',
    'sum(…)',
    'rate(…)',
    '… + 1',
  ])
  expect(lines('… / …').map(({ node, hasParts }) => [node.text, hasParts])).toEqual([['… / …', true]])
})

test('statistics are found by place, and time is a share of all', () => {
  const counts = { kind: 'call', series: 1, samples: 2 }
  const [whole, sum] = nodes.map(({ span }) => span)
  if (!whole || !sum) throw new Error('want two nodes')
  const part: NodeStats = { ...counts, span: sum, seconds: 1, parts: [] }
  const found = linesOf(nodes, [{ ...counts, span: whole, seconds: 3, parts: [part] }], new Set())
  expect(found.map(({ share }) => share)).toEqual([0.75, 0.25, 0, 0, 0, 0, 0])
  expect(found[1]?.stats).toBe(part)
  expect(found[2]?.stats).toBeNull()
})

test('a node is folded and unfolded', () => {
  const [line] = lines()
  if (!line) throw new Error('want a line')
  const once = foldedAfter(new Set(['1-2']), line, true)
  expect([...once]).toEqual(['1-2', line.key])
  expect([...foldedAfter(once, line, false)]).toEqual(['1-2'])
})

describe('a key in the tree', () => {
  test.each([
    ['down goes on', 'ArrowDown', 0, { to: 1 }],
    ['down stays at the end', 'ArrowDown', 6, { to: 6 }],
    ['up goes back', 'ArrowUp', 2, { to: 1 }],
    ['Home and End go to the ends', 'End', 2, { to: 6 }],
    ['right enters an unfolded node', 'ArrowRight', 1, { to: 2 }],
    ['right does nothing without parts', 'ArrowRight', 3, null],
    ['left folds', 'ArrowLeft', 1, { fold: true }],
    ['left leads out of a node without parts', 'ArrowLeft', 3, { to: 2 }],
    ['any other means nothing', 'x', 0, null],
  ])('%s', (_, key, at, expected) => {
    expect(afterKey(key, lines(), at)).toEqual(expected)
  })

  test('right unfolds, left leads from a folded node to its parent', () => {
    const shut = lines('… + 1')
    expect(afterKey('ArrowRight', shut, 4)).toEqual({ fold: false })
    expect(afterKey('ArrowLeft', shut, 4)).toEqual({ to: 0 })
    expect(afterKey('ArrowLeft', lines('… / …'), 0)).toBeNull()
  })
})
