import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { CorruptionError } from '../../../src/engine/bytes/corruption.ts'
import { uncompress } from '../../../src/engine/bytes/zstd.ts'

const limit = 1 << 20
const bytes = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'))
const text = (frame: Uint8Array, max = limit) => Buffer.from(uncompress(frame, max)).toString()

// Frames of the encoder that upstream uses (klauspost/compress) and of the zstd program.
const frames = {
  klauspost: bytes('28b52ffd440043009d0000586a6f623d22612220656e64015408032c350b08ed6187'),
  uncompressed: bytes('28b52ffd0400190000616263990977ad'),
  unknownSize: bytes('28b52ffd0458ad00007075707b6a6f623d2261227d20310a0100aba29a4a0e491fd4'),
  sized: bytes('28b52ffd60bc01ad00007075707b6a6f623d2261227d20310a0100aba29a4a'),
}
const jobs = 'job="a" '.repeat(40) + 'end'
const ups = 'up{job="a"} 1\n'.repeat(50)

test.each([
  ['of known size', frames.klauspost, jobs],
  ['with a block that is not compressed', frames.uncompressed, 'abc'],
  ['of unknown size', frames.unknownSize, ups],
  ['in a single segment, without a checksum', frames.sized, ups],
])('a frame %s', (_, frame, expected) => {
  expect(text(frame)).toBe(expected)
})

test('a frame of two blocks, the second beside the window of the first', () => {
  const frame = new Uint8Array(Buffer.from(twoBlocks, 'base64'))
  const expected = Array.from({ length: 60_000 }, (_, i) => `${(i * i) % 977},`).join('')
  expect(text(frame)).toBe(expected)
})

describe('refuses', () => {
  const header = '28b52ffd'
  test.each([
    ['nothing', ''],
    ['another magic number', '28b52ffe 2000 010000'],
    ['a skippable frame', '502a4d18 00000000'],
    ['a dictionary', `${header} 2107 00 010000`],
    ['a header that is cut', `${header} 60bc`],
    ['a block that is cut', `${header} 2003 190000 6162`],
    ['a checksum that is cut', `${header} 2403 190000 616263 9909`],
    ['a frame without a last block', `${header} 2003 180000 616263`],
    ['bytes behind the frame', `${header} 2003 190000 616263 00`],
    ['more than its blocks can hold', `${header} a0 00000001 190000 616263`],
    ['a block of a reserved type', `${header} 2003 1f0000 616263`],
    ['a block beyond the window', `${header} 2003 210000 61626364`],
    ['a window that no writer needs', `${header} 0098 190000 616263`],
    ['a compressed block that is none', `${header} 2003 1d0000 ffffff`],
  ])('%s', (_, hex) => {
    expect(() => uncompress(bytes(hex.replaceAll(' ', '')), limit)).toThrow(CorruptionError)
  })

  test('a frame that is larger than the limit, before it takes memory', () => {
    expect(text(frames.sized, 700)).toBe(ups)
    expect(() => uncompress(frames.sized, 699)).toThrow('declares 700')
    // A block of one byte that stands for 128 KiB.
    const bomb = bytes(`28b52ffd0438${'02001000'.repeat(9)}03001061`)
    expect(() => uncompress(bomb, limit)).toThrow(CorruptionError)
  })

  test('every truncation', () => {
    for (let length = 0; length < frames.klauspost.length; length++) {
      expect(() => uncompress(frames.klauspost.subarray(0, length), limit)).toThrow(CorruptionError)
    }
  })
})

test('damage gives an error or other bytes, never anything else', () => {
  const good = Object.values(frames)
  const change = fc.record({
    frame: fc.constantFrom(...good),
    changes: fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { minLength: 1, maxLength: 4 }),
  })
  fc.assert(
    fc.property(change, ({ frame, changes }) => {
      const damaged = frame.slice()
      for (const [at, value] of changes) damaged[at % damaged.length] = value
      try {
        expect(uncompress(damaged, limit).length).toBeLessThanOrEqual(limit)
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptionError)
      }
    }),
    { numRuns: 500 },
  )
})

const twoBlocks = [
  'KLUv/aQwjQMATDQAms8AFgmwK0wMy6xgrhNaAVoBWwG9YCbaFVouck48V1dlG5tCUyzG2bjUiWaQO4STxAV9Yr6zIfhIzOgys8l9',
  'xKUxtQfQMNvUUXnMBuHHuO0gNOuz2mauui9qqmxwt7iJbGXPcAC5yG5wuFjIvuB2cdG+4SSymd1yK9nmnqlh5pMLHYJmxHfdgF/I',
  'BzdJHTRDbexhdIEMcd/U0HkgZthCHifLLOw9mkiG3iGdSp/IU7dIH6OL5IjJTsJ5stUgdo9X5zJu3AL9jLbKV9/YNHUMDSPHHGFX',
  '1CO0jDz0jG1Us2gymRATbphe8rK5IQOXsu9qG36dReTWcTZQj+NE9J1cjBkP7Yoexo3oxmwWRz1xw/WrGshnaIuZINMtdZM2sJfq',
  'Il6igTMpS8XRj7fUrnWCPlIT8RYtN1/MRvI1lohLR90Ad5BN1k96tabUVX7CyeggGoCOmknmM7koU+S6+ComikNigDhsqo+umXLF',
  'Nx1D0+hCHdNL27aJoTIBDcSttYUNdVfiqRxCR/lIb+3iFDJ1ruEAvcour8h385Qf9coNE0vMdbRYDbXHZuUrmlVP2WWbyXK0XV1w',
  '38TBmcXDushCMhVtVlPcrJg3V+ooGyQ2znYcyC7EwzmgDtolMdhcU9PZbXxDD/SrG0qG4QL23ew8rGduG1mEG9gX8QEd0C2mmCVq',
  'ibsjB/GSbY3NaAC7Ew/paKeIa2iofhB36FYXiYu0XB/GczTHFpCNeJ19JYfU7E2cJTrvkg6xIWQrN7qH5kaviOloqn2Vp2rpUDTQ',
  'ZsnH2nqVrtoBM6HTxEJceNfmABtINtYB8Qgv3XUzid3KB70qFqinHuCkW4I22ifztRNlg16LSbVJDMfbhzjNBLx6T+mjG0jD3Bz6',
  '4jahK+4TOuS2oWlukiZvMLpPcKKJ/OyBWiiGqgdkSpfKdv1ovto0tNVd4Wab1HNxJ7YRF5A5NozlepEWiQ59EEP1Gor2Id2JAWyL',
  'SzayxC1RU8wWB/QD+iI2sEU4cw9rdr5bwIbhUPLVPdBv6Dams2tK4qAdUA/nQgxk23HjDBJH2ZWaN7NiituspqKFZJHDOosH55u4',
  '4Lar5Wgzuewpm1WVx4baYnUdLTHDxJX7qE/5yeVVNkCv4dSZQi7e2iM9yqlciaFuC9taA3ECGmK7tGN6oabRrLkksZgt7VS1kRNJ',
  'KBNj40H3kX3s0ZrGA/gFfTNHybQ4Ir656LYa9bK6pLbiEtxIxdlglpIt5GpcE9vJ03voZtxnNsseskdsgn3W2T7Vh53Ubzqnz/SZ',
  'zuk3ndSHfaqz/awT7BF7yGbZZzbjHrqnt8lS210TV2MLWUo2mItzAW2kJbgVL6nLaqMuYVvtovvmiJgWR8k38wUdwGk8Wh/7kR10',
  'GyfGQlk4E2kjp6qlXcxuHBOXZNYEx/RdMR9NddgARHUxhWQAyKjKKXXSuNISYSRyQ0So1KJLxaQMnEt0ES/VwE7aUjedxQB5jdos',
  'Lh3GK/rQZlwMIjqOdmsR+TpXwBty2cB0wk2Iohl76gg7hqa52iqf0QK9cZdxde5xENtqnrBHXCRyVIJej2SOk4WcYQ/E0PmmhrgL',
  '5DCCOmgmqQvZgN91RhT6yTBjc1vJLTezG1607eILwsUNXmQDiJVtInBT5Yu66raZz2rWIHSMQRg1zAE0tUvjI25yy8yMPhJD8Dt7',
  'Yi7oJHEIB7mJhpxiCm1jV+W5mhNyhSZap8/FJrXZFW5109BXs+tSmdIHZKhaKM6IOhhN3iRNc9vQIfcJXRc3h4a5gfTRPTcBp3mI',
  't8ORVAbXGo10UwvUVfFBb2USu24u3SM8IDbWQHKAXZuFRxMTesBctau0lSUDbSha+lR9FTq6Im70odk4hBxilzRviU6c2Tuk6gJa',
  'IBAeIAr6L/HRzoeuiz9pAw/61JoPjFkbUy7wkM+Y8ZkNa7PgyFF4bL4b7G5xzT3X2821FrbObi6NFR1T50K6uYjGFtAWcZXcWr67',
  'k3O64+AzOpTEzacw4gw2HaBc8EHw7skkxTtK2kYubSettDszMkb2xsTa8MDKa9VDHrXVM0mXJFeHaKvzU2p07i43xs3l2VbSjkhN',
  'Ti9wgr/auAORbuHyCqiJ7pP2vNcO3pbXvbthXWzEOBdwrcUrunBtLtrFabDfNiSa0GAiXucDkFIjw1LqnL46oludDgE44L6mgiEy',
  'Re6Gy3fE5+u8U+y9jtTcSykxDoO5QSO4UQCYZvLfmDqj/VRdAAAAAVQAEDQtjV/3AWchlEk=',
].join('')
