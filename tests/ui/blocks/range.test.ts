import { describe, expect, test } from 'vitest'
import { edgeText, readExport, readRange, storeEdges } from '../../../src/ui/blocks/range.ts'
import { formatTime } from '../../../src/ui/format/time.ts'
import { block } from '../fakeclient.ts'

const noon = new Date(2026, 10, 22, 12).getTime()
const head = { minT: noon + 123, maxT: noon + 60_456 }
const empty = { minT: null, maxT: null }

test('empty fields are the edges of the head, with its last sample', () => {
  expect(readRange({ from: '', to: ' ' }, head)).toEqual({ range: { minT: noon + 123, maxT: noon + 60_457 } })
})

test('what is typed is included to the end of its second', () => {
  const draft = { from: '2026-11-22 12:00', to: '2026-11-22 12:00:30' }
  expect(readRange(draft, empty)).toEqual({ range: { minT: noon, maxT: noon + 31_000 } })
  expect(readRange({ ...draft, to: draft.from }, empty)).toEqual({ range: { minT: noon, maxT: noon + 1000 } })
})

test('text that is no time, an end before the start and an empty head are told beside their field', () => {
  const bad = 'Want a time such as 2026-11-22 13:05:00.'
  expect(readRange({ from: 'yesterday', to: '25:00' }, head)).toEqual({ errors: { from: bad, to: bad } })
  expect(readRange({ from: '2026-11-22 12:01', to: '2026-11-22 12:00' }, head)).toEqual({
    errors: { to: 'Want an end after the start.' },
  })
  const missing = 'There are no samples: want a time such as 2026-11-22 13:05:00.'
  expect(readRange({ from: '', to: '' }, empty)).toEqual({ errors: { from: missing, to: missing } })
  expect(readRange({ from: '', to: '' }, undefined)).toEqual({ errors: { from: missing, to: missing } })
})

test('an empty field says what it stands for', () => {
  expect(edgeText(noon)).toBe(formatTime(noon))
  expect(edgeText(null)).toBe('2026-11-22 13:05:00')
})

test('a store begins with its first block or its head and ends with the last sample of either', () => {
  expect(storeEdges([block('A', 20, 40), block('B', 0, 10)], { minT: 50, maxT: 60 })).toEqual({
    minT: 0,
    maxT: 60,
  })
  expect(storeEdges([block('A', 20, 40)], empty)).toEqual({ minT: 20, maxT: 39 })
  expect(storeEdges([], { minT: 50, maxT: 60 })).toEqual({ minT: 50, maxT: 60 })
  expect(storeEdges([], undefined)).toEqual(empty)
})

describe('an export', () => {
  const draft = { from: '', to: '', selectors: ['up', ' ', 'x{a="b"}'], format: 'zip' } as const
  const all = { minT: noon + 123, maxT: noon + 60_457 }

  test('of a range has a time and a format', () => {
    expect(readExport('range', draft, head)).toEqual({ request: { kind: 'range', ...all, format: 'zip' } })
  })

  test('of text has the selectors that are written', () => {
    const request = { kind: 'text', match: ['up', 'x{a="b"}'], ...all }
    expect(readExport('text', draft, head)).toEqual({ request })
  })

  test('of the whole store asks for no time', () => {
    expect(readExport('directory', { ...draft, from: 'never' }, empty)).toEqual({
      request: { kind: 'directory', format: 'zip' },
    })
  })

  test('of a time that is none is refused', () => {
    expect(readExport('text', { ...draft, from: 'never' }, head)).toHaveProperty('errors.from')
  })
})
