import fc from 'fast-check'
import { unzipSync, zipSync } from 'fflate'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, openAsBlob, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join as joinPath } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readArchive, writeArchive } from '../../../src/engine/archive/archive.ts'
import { digest, digests, entriesOf, join, noise, pack, unpack, utf8, type Files } from './files.ts'

const ulid = '01J0000000000000000000000A'
const block: Files = {
  [`${ulid}/meta.json`]: utf8('{"version":1}\n'),
  [`${ulid}/index`]: noise(300_000),
  [`${ulid}/chunks/000001`]: noise(3_000_000, 2),
  [`${ulid}/chunks/000002`]: noise(512, 3),
  [`${ulid}/tombstones`]: new Uint8Array(0),
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(joinPath(tmpdir(), 'brazier-archives-'))
})
afterAll(() => {
  rmSync(folder, { recursive: true })
})

describe.each(['zip', 'tar.gz'] as const)('%s', format => {
  test('a block comes back as it went', async () => {
    expect(digests(await unpack(await pack(format, block)))).toEqual(digests(block))
  })

  test('any files come back as they went', async () => {
    await fc.assert(
      fc.asyncProperty(anyFiles, fc.integer({ min: 1, max: 5000 }), async (files, pieceBytes) => {
        expect(await unpack(await pack(format, files, pieceBytes))).toEqual(files)
      }),
      { numRuns: 60 },
    )
  })

  test('files are read in the order they were written in', async () => {
    const paths: string[] = []
    for await (const { path } of readArchive(await pack(format, block))) paths.push(path)
    expect(paths).toEqual(Object.keys(block))
  })

  test('a file may be left unread, or half read', async () => {
    const archive = await pack(format, block)
    const sizes: number[] = []
    for await (const { size, bytes } of readArchive(archive)) {
      sizes.push(size)
      if (sizes.length === 2) for await (const piece of bytes) if (piece.length > 0) break
    }
    expect(sizes).toEqual(Object.values(block).map(bytes => bytes.length))
  })

  test('pieces are at most 1 MiB and own their buffers', async () => {
    const pieces: Uint8Array[] = []
    for await (const piece of writeArchive(format, entriesOf(block, 70_000))) pieces.push(piece)
    expect(pieces.length).toBeGreaterThan(2)
    for (const piece of pieces) expect(piece.length).toBe(piece.buffer.byteLength)
    expect(Math.max(...pieces.map(piece => piece.length))).toBe(1024 * 1024)
  })

  test.each([
    ['fewer', 10, 'x: want the declared 10 bytes, have 9'],
    ['more', 8, 'x: want the declared 8 bytes, have more'],
  ])('a file that has %s bytes than it declares is refused', async (_, size, message) => {
    async function* entries() {
      for await (const entry of entriesOf({ x: noise(9) }, 4)) yield { ...entry, size }
    }
    await expect(join(writeArchive(format, entries()))).rejects.toThrow(message)
  })

  test('an error of the source arrives as itself', async () => {
    const error = new Error('the disk is gone')
    async function* entries() {
      yield* entriesOf({ x: noise(9) }, 4)
      throw error
    }
    await expect(join(writeArchive(format, entries()))).rejects.toBe(error)
  })

  test('a reader that stops lets go of the source', async () => {
    let released = false
    async function* entries() {
      try {
        yield* entriesOf({ x: noise(20_000_000), y: noise(20_000_000) }, 1_000_000)
      } finally {
        released = true
      }
    }
    for await (const piece of writeArchive(format, entries())) if (piece.length > 0) break
    expect(released).toBe(true)
  })

  test('an archive of nothing has no files', async () => {
    expect(await unpack(await pack(format, {}))).toEqual({})
  })
})

const name = fc.stringMatching(/^[A-Za-z0-9 _äß漢😀.-]{1,30}$/u).filter(name => !/^\.+$/.test(name))
const path = fc.array(name, { minLength: 1, maxLength: 12 }).map(names => names.join('/'))
/** No file is also a folder of another, and none ends in what looks like one. */
const anyFiles = fc
  .uniqueArray(fc.tuple(path, fc.uint8Array({ maxLength: 4000 })), {
    maxLength: 8,
    selector: ([path]) => path,
  })
  .map(files => Object.assign(Object.create(null) as Files, Object.fromEntries(files)))

describe('other programs', () => {
  test('tar lists and unpacks a .tar.gz of ours', async () => {
    const file = await save('ours.tar.gz', await pack('tar.gz', block))
    const listing = execFileSync('tar', ['-tzf', file], { encoding: 'utf8' })
    expect(listing.trim().split('\n')).toEqual(Object.keys(block))
    const index = execFileSync('tar', ['-xzOf', file, `${ulid}/index`])
    expect(digest(index)).toBe(digest(block[`${ulid}/index`]!))
  })

  test('fflate unpacks a .zip of ours', async () => {
    const archive = new Uint8Array(await (await pack('zip', block)).arrayBuffer())
    expect(digests(unzipSync(archive))).toEqual(digests(block))
  })

  test.each([0, 6] as const)('a .zip of fflate at level %i is read', async level => {
    expect(digests(await unpack(new Blob([zipSync({ ...block }, { level })])))).toEqual(digests(block))
  })

  test.each(['gnu', 'pax', 'ustar'])('a .tar and a .tar.gz of tar in format %s are read', async tarFormat => {
    for (const [path, bytes] of Object.entries(block)) {
      mkdirSync(joinPath(folder, 'data', dirname(path)), { recursive: true })
      writeFileSync(joinPath(folder, 'data', path), bytes)
    }
    for (const flags of ['-cf', '-czf']) {
      const file = joinPath(folder, `theirs${flags}`)
      // As many do it: from inside, so that paths begin with ./
      execFileSync('tar', [`--format=${tarFormat}`, '-C', joinPath(folder, 'data'), flags, file, '.'])
      expect(digests(await unpack(await openAsBlob(file)))).toEqual(digests(block))
    }
  })

  test.each(['gnu', 'pax'])('paths too long for a header are read in format %s', async tarFormat => {
    const long = `${'folder/'.repeat(40)}file`
    mkdirSync(joinPath(folder, 'long', dirname(long)), { recursive: true })
    writeFileSync(joinPath(folder, 'long', long), 'x')
    const file = joinPath(folder, 'long.tar')
    execFileSync('tar', [`--format=${tarFormat}`, '-C', joinPath(folder, 'long'), '-cf', file, long])
    expect(await unpack(await openAsBlob(file))).toEqual({ [long]: utf8('x') })
  })
})

async function save(name: string, archive: Blob): Promise<string> {
  const file = joinPath(folder, name)
  writeFileSync(file, new Uint8Array(await archive.arrayBuffer()))
  return file
}
