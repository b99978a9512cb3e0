import { expect, test } from 'vitest'
import { placeOfNote, textOfNote } from '../../../src/ui/query/places.ts'

test.each([
  ['the first character', 'info: x (1:1)', 'up', 0],
  ['columns of bytes, as units of the text', 'info: x (1:9)', '{"ü€"} + up', 5],
  ['characters outside the basic plane', 'info: x (1:7)', '"😀"+b', 4],
  ['a later line', 'info: x (2:3)', 'sum(\n  up)', 7],
  ['the end of the text', 'info: x (1:3)', 'up', 2],
  ['no place in the text', 'info: x', 'up', null],
  ['a line that is not there', 'info: x (3:1)', 'up', null],
  ['a column that is not there', 'info: x (1:9)', 'up', null],
  ['the middle of a character', 'info: x (1:3)', '"ü"', null],
  ['an unknown position', 'info: x (unknown position)', 'up', null],
  ['a place that is not at the end', 'got (1:1) of "a"', 'up', null],
])('a note names %s', (_, note, expr, offset) => {
  expect(placeOfNote(note, expr)).toBe(offset)
})

test('without its place a note is the rest', () => {
  expect(textOfNote('PromQL info: a (b) (1:17)')).toBe('PromQL info: a (b)')
  expect(textOfNote('PromQL info: a')).toBe('PromQL info: a')
})
