import { expect, test } from 'vitest'
import { questionText, readDeletion } from '../../../src/ui/store/deletion.ts'
import { labels } from '../fakeclient.ts'

const noon = new Date(2026, 10, 22, 12).getTime()
const open = { from: '', to: '' }
const always = { minT: -8.64e15, maxT: 8.64e15 }

test('empty fields are all of time', () => {
  expect(readDeletion(['up', 'down'], open)).toEqual({ deletion: { match: ['up', 'down'], ...always } })
})

test('both ends belong to the deletion, the last to the end of its second', () => {
  const draft = { from: '2026-11-22 12:00:00', to: '2026-11-22 12:00:30' }
  expect(readDeletion(['up'], draft)).toEqual({
    deletion: { match: ['up'], minT: noon, maxT: noon + 30_999 },
  })
  expect(readDeletion(['up'], { ...open, from: draft.from })).toEqual({
    deletion: { match: ['up'], minT: noon, maxT: always.maxT },
  })
})

test('selectors that are missing and times that are none are told at once', () => {
  const message = 'Want a selector, such as up{job="node"}.'
  expect(readDeletion(['up', ' '], { from: 'noon', to: '' })).toEqual({
    errors: {
      from: 'Want a time such as 2026-11-22 13:05:00.',
      selectors: [null, { message, expr: ' ', span: null }],
    },
  })
})

const two = { series: [labels({ a: '1' }), labels({ a: '2' })], more: false }
const one = { series: [labels({ a: '1' })], more: false }

test.each([
  [{}, two, 'Delete all samples of 2 series?'],
  [{}, { ...two, more: true }, 'Delete all samples of more than 2 series?'],
  [{ minT: noon }, one, 'Delete the samples of 1 series since 2026-11-22 12:00:00?'],
  [{ maxT: noon }, one, 'Delete the samples of 1 series until 2026-11-22 12:00:00?'],
  [
    { minT: noon, maxT: noon + 60_000 },
    one,
    'Delete the samples of 1 series from 2026-11-22 12:00:00 to 2026-11-22 12:01:00?',
  ],
])('%o is asked about in words', (range, matched, text) => {
  expect(questionText({ match: ['x'], ...always, ...range }, matched)).toBe(text)
})
