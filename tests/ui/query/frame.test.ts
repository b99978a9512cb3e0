import { describe, expect, test } from 'vitest'
import { commonLabels, hiddenAfter, toFrame, withoutCommon } from '../../../src/ui/query/frame.ts'
import { Slots } from '../../../src/ui/query/palette.ts'
import { histogram, labels, rangeAnswer } from '../fakeclient.ts'

const window = { from: 0, to: 2000, start: 0, end: 2000, step: 1000 }

test('a frame holds the first series and knows how many there are', () => {
  const frame = toFrame(rangeAnswer([[1], [2], [3]]), window, 2, new Slots())
  expect(frame.rows.length).toBe(2)
  expect(frame.labels.length).toBe(2)
  expect(frame.slots).toEqual([0, 1])
  expect(frame.total).toBe(3)
})

test('a frame tells of histograms that it does not draw, and counts only what it can draw', () => {
  const mixed = {
    ...rangeAnswer([[0], [1]]),
    present: Uint8Array.of(2, 1),
    histograms: [{ at: 0, histogram }],
  }
  const frame = toFrame(mixed, window, 10, new Slots())
  expect(frame).toMatchObject({ total: 1, histograms: 1, labels: [mixed.labels[1]] })
})

describe('labels that all series share', () => {
  const a = labels({ __name__: 'up', job: 'node', instance: 'a' })
  const b = labels({ __name__: 'up', job: 'node', instance: 'b' })
  test.each([
    [[], []],
    [[a], []],
    [[a, b], labels({ __name__: 'up', job: 'node' })],
    [[a, labels({ other: 'x' })], []],
    [[a, labels({ job: 'node' })], labels({ job: 'node' })],
  ])('%j share %j', (sets, shared) => {
    expect(commonLabels(sets)).toEqual(shared)
  })
  test('are left out of each', () => {
    expect(withoutCommon(a, commonLabels([a, b]))).toEqual(['instance', 'a'])
  })
})

describe('a click in the legend', () => {
  const keys = ['a', 'b', 'c']
  const after = (hidden: string[], key: string, toggled: boolean) =>
    [...hiddenAfter(new Set(hidden), keys, key, toggled)].sort().join('')
  test.each([
    ['shows one alone', '', 'b', false, 'ac'],
    ['on the only one shows all again', 'ac', 'b', false, ''],
    ['on another moves on to it', 'ac', 'a', false, 'bc'],
    ['with Ctrl hides one', '', 'b', true, 'b'],
    ['with Ctrl shows it again', 'b', 'b', true, ''],
  ])('%s', (_, hidden, key, toggled, expected) => {
    expect(after(Array.from(hidden), key, toggled)).toBe(expected)
  })
})
