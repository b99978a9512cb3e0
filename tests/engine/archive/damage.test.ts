import fc from 'fast-check'
import { zipSync } from 'fflate'
import { describe, expect, test } from 'vitest'
import { ImportError } from '../../../src/engine/model/errors.ts'
import { digests, noise, pack, unpack, utf8, type Files } from './files.ts'
import { forgeTar } from './forge.ts'

const files: Files = {
  '01J0000000000000000000000A/meta.json': utf8('{"version":1}\n'),
  '01J0000000000000000000000A/index': noise(5000),
  '01J0000000000000000000000A/chunks/000001': noise(20_000, 2),
  '01J0000000000000000000000A/tombstones': noise(9, 3),
}
const whole = digests(files)

const archives = {
  'our zip': async () => pack('zip', files),
  'our tar.gz': async () => pack('tar.gz', files),
  'a deflated zip': async () => new Blob([zipSync({ ...files })]),
}

async function outcome(bytes: Uint8Array<ArrayBuffer>): Promise<unknown> {
  try {
    return digests(await unpack(new Blob([bytes])))
  } catch (error) {
    return error
  }
}

describe.each(Object.entries(archives))('%s', (_, make) => {
  test('that is cut off anywhere is refused', async () => {
    const bytes = await bytesOf(make())
    const anywhere = fc.oneof(
      fc.integer({ min: 0, max: bytes.length - 1 }),
      fc.integer({ min: 1, max: 200 }).map(missing => bytes.length - missing),
    )
    await fc.assert(
      fc.asyncProperty(anywhere, async size => {
        expect(await outcome(bytes.slice(0, size))).toBeInstanceOf(ImportError)
      }),
      { numRuns: 150 },
    )
  })

  test('with a flipped bit is refused, or has the same files', async () => {
    const bytes = await bytesOf(make())
    await fc.assert(
      fc.asyncProperty(damagedPlace(bytes.length), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
        const damaged = bytes.slice()
        damaged[at]! ^= 1 << bit
        expectRefusedOr(await outcome(damaged), found => expect(found).toEqual(whole))
      }),
      { numRuns: 300 },
    )
  })

  test('with a stretch of other bytes is refused, or has the same files', async () => {
    const bytes = await bytesOf(make())
    const other = fc.uint8Array({ minLength: 1, maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(damagedPlace(bytes.length), other, async (at, patch) => {
        const damaged = bytes.slice()
        damaged.set(patch.subarray(0, bytes.length - at), at)
        expectRefusedOr(await outcome(damaged), found => expect(found).toEqual(whole))
      }),
      { numRuns: 200 },
    )
  })
})

test('a tar with a flipped bit is refused, or has files with as many bytes', async () => {
  // It has no checksum but its headers'; blocks have their own.
  const tar = forgeTar(...Object.entries(files).map(([name, body]) => ({ name, body })))
  const bytes = await bytesOf(Promise.resolve(tar))
  const sizes = Object.values(files).map(body => body.length)
  await fc.assert(
    fc.asyncProperty(damagedPlace(bytes.length), fc.integer({ min: 0, max: 7 }), async (at, bit) => {
      const damaged = bytes.slice()
      damaged[at]! ^= 1 << bit
      expectRefusedOr(await outcome(damaged), found => {
        expect(Object.values(found).map(digest => parseInt(digest))).toEqual(sizes)
      })
    }),
    { numRuns: 300 },
  )
})

test('bytes of any kind behind an honest beginning are refused', async () => {
  const beginnings = [
    [0x50, 0x4b, 3, 4],
    [0x50, 0x4b, 5, 6],
    [0x1f, 0x8b],
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3],
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...beginnings),
      fc.uint8Array({ maxLength: 300 }),
      async (start, rest) => {
        const found = await outcome(Uint8Array.of(...start, ...rest))
        expectRefusedOr(found, files => expect(files).toEqual({}))
      },
    ),
    { numRuns: 300 },
  )
})

/** Headers and directories are small, and most of their bytes matter. */
function damagedPlace(size: number): fc.Arbitrary<number> {
  return fc.oneof(
    fc.integer({ min: 0, max: size - 1 }),
    fc.integer({ min: 0, max: Math.min(size, 700) - 1 }),
    fc.integer({ min: Math.max(0, size - 700), max: size - 1 }),
  )
}

function expectRefusedOr(found: unknown, check: (files: Record<string, string>) => void): void {
  if (found instanceof Error) expect(found).toBeInstanceOf(ImportError)
  else check(found as Record<string, string>)
}

async function bytesOf(archive: Promise<Blob>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await archive).arrayBuffer())
}
