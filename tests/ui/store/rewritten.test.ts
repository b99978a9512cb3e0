import { expect, test } from 'vitest'
import { cleanedText, compactedText } from '../../../src/ui/store/rewritten.ts'
import { block } from '../fakeclient.ts'

const blocks = (names: string, bytes = 1024) => Array.from(names, name => block(name, 0, 1, { bytes }))

test.each([
  ['ABC', 'ABC', 'There was nothing to compact.'],
  ['', 'A', '1 new block.'],
  ['A', 'ABC', '2 new blocks.'],
  ['ABCD', 'AE', '3 blocks became one.'],
  ['A', 'B', '1 block became one.'],
  ['ABCD', 'EF', '4 blocks became 2.'],
  ['AB', 'B', '1 old block is gone.'],
  ['ABC', '', '3 old blocks are gone.'],
])('%j that become %j are told as such', (before, after, text) => {
  expect(compactedText(blocks(before), blocks(after))).toBe(text)
})

test.each([
  ['AB', 'AB', 'No block has deleted samples.'],
  ['AB', 'AC', '1 block was rewritten: 512 B less.'],
  ['AB', 'CD', '2 blocks were rewritten: 1.00 KiB less.'],
  ['AB', 'A', '1 block was rewritten: 1.00 KiB less.'],
])('%j that are cleaned to %j are told with the bytes that came free', (before, after, text) => {
  const left = Array.from(after, name => block(name, 0, 1, { bytes: before.includes(name) ? 1024 : 512 }))
  expect(cleanedText(blocks(before), left)).toBe(text)
})

test('a block that grew, since something else was written meanwhile, frees nothing', () => {
  expect(cleanedText(blocks('A'), blocks('B', 4096))).toBe('1 block was rewritten: 0 B less.')
})
