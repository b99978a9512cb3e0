import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { readArchive } from '../../../src/engine/archive/archive.ts'
import { freeExpansion, maxEntries, maxExpansion } from '../../../src/engine/archive/limits.ts'
import { cleanPath } from '../../../src/engine/archive/paths.ts'
import { ImportError } from '../../../src/engine/model/errors.ts'
import { join, noise, pack, unpack, utf8 } from './files.ts'
import { forgeTar, forgeZip, joined, paxEntry, tarEntry, u16, u32 } from './forge.ts'

const MiB = 1024 * 1024

async function refused(archive: Blob | Promise<Blob>, message: string): Promise<void> {
  const error = await unpack(await archive).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(ImportError)
  expect((error as Error).message).toContain(message)
}

describe('paths', () => {
  test.each([
    ['index', 'index'],
    ['./index', 'index'],
    ['a/./b', 'a/b'],
    ['a/b/', 'a/b'],
    ['./', ''],
    ['a..b/..c/d..', 'a..b/..c/d..'],
    ['C/x', 'C/x'],
  ])('%j is %j', (path, clean) => {
    expect(cleanPath(path)).toBe(clean)
  })

  const bad: [string, string][] = [
    ['', 'an empty one'],
    ['../index', "a '..' that leads out of it"],
    ['a/../../index', "a '..' that leads out of it"],
    ['a/..', "a '..' that leads out of it"],
    ['/etc/passwd', 'an absolute one'],
    ['a//b', 'an empty name between slashes'],
    ['a\\..\\b', 'a backslash'],
    ['C:/windows', 'a drive letter'],
    ['c:x', 'a drive letter'],
    ['a\0b', 'a control character'],
    ['a\nb', 'a control character'],
    ['x'.repeat(1025), 'one of 1025 characters (at most 1024)'],
  ]
  test.each(bad)('%j is refused', (path, fault) => {
    expect(() => cleanPath(path)).toThrow(`want a relative path in the archive, have ${fault}`)
  })

  // What a header has room for; a NUL ends the name there.
  const short = bad.filter(([path]) => path !== '' && path.length < 100 && !path.includes('\0'))
  test.each(short)('%j is refused in a tar', async (path, fault) => {
    await refused(forgeTar({ name: path }), `${JSON.stringify(path)}: want a relative path`)
    await refused(forgeTar({ name: path }), fault)
  })

  test.each(bad)('%j is refused in a zip', async (name, fault) => {
    await refused(forgeZip([{ name }]), fault)
  })

  test('a path that a pax header hides is refused', async () => {
    await refused(forgeTar(paxEntry({ path: '../x' }), { name: 'ok' }), '"../x": want a relative path')
    await refused(forgeTar(paxEntry({ path: 'a\0b' }), { name: 'ok' }), 'a control character')
  })

  test('a path that GNU tar hides is refused', async () => {
    const long = { name: '././@LongLink', type: 'L', body: utf8('/root/x\0') }
    await refused(forgeTar(long, { name: 'ok' }), '"/root/x": want a relative path')
  })

  test('a file that comes twice is refused', async () => {
    await refused(forgeTar({ name: 'a/b' }, { name: './a/b' }), 'a/b: want every file once, have it twice')
    await refused(forgeZip([{ name: 'a' }, { name: 'a' }]), 'a: want every file once, have it twice')
  })

  test('a folder may come twice', async () => {
    const folder = { name: 'a/', type: '5' }
    expect(await unpack(forgeTar(folder, folder, { name: 'a/b' }))).toEqual({ 'a/b': new Uint8Array(0) })
  })
})

describe('things that are no files', () => {
  test.each([
    ['1', 'link'],
    ['2', 'symlink'],
    ['3', 'character-device'],
    ['4', 'block-device'],
    ['6', 'fifo'],
  ])('a tar entry of type %s is refused', async (type, name) => {
    await refused(
      forgeTar({ name: 'x', type, link: '/etc/passwd' }),
      `x: want a file or a folder, have a ${name}`,
    )
  })

  test.each([
    [0xa1ff, 'a symbolic link'],
    [0x21a4, 'type 0x00002000'],
    [0xc1a4, 'type 0x0000c000'],
  ])('a zip entry of mode %i is refused', async (mode, name) => {
    await refused(forgeZip([{ name: 'x', mode }]), `x: want a file or a folder, have ${name}`)
  })

  test('a sparse file is refused', async () => {
    const sparse = paxEntry({ 'GNU.sparse.major': '1', 'GNU.sparse.name': 'x' })
    await refused(forgeTar(sparse, { name: 'x' }), 'x: want a plain file, have a sparse one')
  })

  test('a tar file without a name is refused', async () => {
    await refused(forgeTar({ name: '.' }), '".": want the name of a file, have none')
  })
})

describe('sizes', () => {
  test('a zip entry may not be larger than it says', async () => {
    const body = noise(1000)
    await refused(forgeZip([{ name: 'x', body, size: 999 }]), 'x: want the declared 999 bytes, have more')
  })

  test('nor smaller', async () => {
    const body = noise(1000)
    await refused(forgeZip([{ name: 'x', body, size: 1001 }]), 'x: want the declared 1001 bytes, have 1000')
  })

  test('a zip entry has its checksum', async () => {
    await refused(
      forgeZip([{ name: 'x', body: utf8('hello'), crc: 1 }]),
      'x: want checksum 0x00000001, have 0x3610a686',
    )
  })

  test('a zip bomb is refused before it is unpacked', async () => {
    const entry = { name: 'bomb', size: freeExpansion + 1 }
    await refused(forgeZip([entry]), `bomb: want at most ${freeExpansion} bytes from such an archive`)
  })

  test('zip entries that add up to a bomb are refused', async () => {
    const entries = [1, 2, 3].map(i => ({ name: `bomb${i}`, size: freeExpansion / 2 }))
    await refused(forgeZip(entries), `bomb3: want at most ${freeExpansion} bytes from such an archive`)
  })

  test('zip entries that share their data are refused', async () => {
    const body = noise(1000)
    const entries = ['a', 'b', 'c'].map(name => ({ name, body, at: 0, packed: 1000 }))
    await refused(forgeZip(entries), 'b: want the same path in the header at byte 0, have another')
    const many = Array.from({ length: 30 }, (_, i) => ({ name: `x${i}`, body: utf8('x'), packed: 200 }))
    await refused(forgeZip(many), 'x12: want entries of at most')
  })

  test('a gzip bomb is refused at its limit', async () => {
    // Each file is allowed to be as large, but not all of them.
    const file = joined(tarEntry({ name: 'half', body: new Uint8Array(freeExpansion / 2) }))
    const more = joined(tarEntry({ name: 'more', body: new Uint8Array(freeExpansion / 2) }))
    const bomb = gzipSync(joined([file, more, new Uint8Array(1024)]))
    expect(bomb.length * maxExpansion).toBeLessThan(freeExpansion)
    await refused(new Blob([bomb]), `want at most ${freeExpansion} bytes from such an archive, have more`)
  })

  test('zeros without end behind a tar.gz are a bomb, too', async () => {
    const tar = new Uint8Array(await forgeTar({ name: 'x' }).arrayBuffer())
    const bomb = gzipSync(joined([tar, new Uint8Array(2 * freeExpansion)]))
    await refused(new Blob([bomb]), 'from such an archive, have more')
  })

  test('what shrinks well is no bomb', async () => {
    const archive = await pack('tar.gz', { zeros: new Uint8Array(32 * MiB) })
    expect(archive.size).toBeLessThan(64 * 1024)
    expect((await unpack(archive))['zeros']?.length).toBe(32 * MiB)
  })

  test.each([
    ['larger than its archive', 0o77777777777, 'x: want at most 2048 bytes, have 8589934591 declared'],
    ['behind the end', 1025, 'want a whole tar archive, have after the header of x, before byte 2048'],
  ])('a tar entry that is %s is refused', async (_, size, message) => {
    await refused(forgeTar({ name: 'x', body: utf8('x'), size }), message)
  })

  test('a tar.gz entry that declares more than any such archive may hold is refused', async () => {
    const tar = await forgeTar({ name: 'x', size: 2 ** 32 }).arrayBuffer()
    await refused(new Blob([gzipSync(new Uint8Array(tar))]), `x: want at most ${freeExpansion} bytes`)
  })

  test('a pax header of gigabytes is refused', async () => {
    await refused(
      forgeTar({ name: 'x', type: 'x', size: 2 ** 30 }),
      'Tar metadata entry exceeds maximum size',
    )
  })

  test('a tar of too many entries is refused', async () => {
    const archive = forgeTar(...Array.from({ length: maxEntries + 1 }, (_, i) => ({ name: `f${i}` })))
    await refused(archive, `f${maxEntries}: want at most ${maxEntries} entries, have more`)
  })

  test('a zip of too many entries is refused', async () => {
    await refused(forgeZip([{ name: 'x' }], { count: maxEntries + 1 }), `want at most ${maxEntries} entries`)
  })
})

describe('zip structure', () => {
  const one = [{ name: 'x' }]
  test.each([
    [
      'an unknown method',
      forgeZip([{ name: 'x', method: 12 }]),
      'x: want it stored (0) or deflated (8), have method 12',
    ],
    [
      'an encrypted entry',
      forgeZip([{ name: 'x', flags: 1 }]),
      'x: want a plain file, have an encrypted one',
    ],
    ['several parts', forgeZip(one, { disk: 1 }), 'want a zip in one part, have several'],
    [
      'a directory behind its end',
      forgeZip(one, { from: 1000 }),
      "want the zip's directory before its end record",
    ],
    ['fewer entries than it says', forgeZip(one, { count: 2 }), "want entry 2 of 2 in the zip's directory"],
    ['more entries than it says', forgeZip([...one, { name: 'y' }], { count: 1 }), 'have 47 more bytes'],
    [
      'a header elsewhere',
      forgeZip([{ name: 'x', at: 5 }]),
      "x: want a zip's local header at byte 5, have none",
    ],
    ['a header far away', forgeZip([{ name: 'x', at: 5e8 }]), 'x: want its header before byte 32'],
    [
      'another name in the header',
      forgeZip([{ name: 'x', localName: 'y' }]),
      'x: want the same path in the header',
    ],
    [
      'no zip64 sizes',
      forgeZip([{ name: 'x', size: 2 ** 32 - 1 }]),
      'x: want its sizes in a zip64 extra field',
    ],
    [
      'a zip64 size over 2^53',
      forgeZip([{ name: 'x', size: 2 ** 32 - 1, extra: joined([u16(1), u16(8), u32(0), u32(2 ** 31)]) }]),
      'want zip64 sizes below 2^53',
    ],
    [
      'deflated noise',
      forgeZip([{ name: 'x', method: 8, body: Uint8Array.of(7, 7, 7, 7) }]),
      'x: want deflated data from byte 31, have damaged data',
    ],
  ])('%s is refused', async (_, archive, message) => {
    await refused(archive, message)
  })
})

describe('what is no archive', () => {
  test.each([
    ['nothing', new Uint8Array(0), 'have a file that begins with nothing'],
    ['a text', utf8('hello, world'), 'have a file that begins with 68 65 6c 6c 6f 2c 20 77'],
    ['zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0), 'have a file that begins with 28 b5 2f fd 00'],
  ])('%s is refused', async (_, bytes, message) => {
    await refused(new Blob([bytes]), `want a .zip, .tar or .tar.gz, ${message}`)
  })

  test('a gzip of something else is refused', async () => {
    await refused(new Blob([gzipSync(noise(2000))]), 'want a whole tar archive, have at the beginning')
  })

  test('a gzip with something behind it is refused', async () => {
    const tar = new Uint8Array(await forgeTar({ name: 'x' }).arrayBuffer())
    await refused(new Blob([gzipSync(tar), utf8('more')]), 'want gzip, have damaged or missing data behind')
  })

  test('something behind the end of a tar is refused', async () => {
    await refused(
      new Blob([forgeTar({ name: 'x' }), new Uint8Array(noise(512))]),
      'after the header of x, before byte 2048',
    )
  })
})

describe.each(['zip', 'tar.gz'] as const)('reading a %s', format => {
  test('ends with the reason of its signal, wherever it is', async () => {
    const archive = await pack(format, { a: noise(3 * MiB), b: noise(12 * MiB, 2) })
    for (const entries of [0, 1, 2]) {
      const stop = new AbortController()
      const reason = new Error('enough')
      let seen = 0
      const reading = async () => {
        if (entries === 0) stop.abort(reason)
        for await (const { bytes } of readArchive(archive, { signal: stop.signal })) {
          if (++seen === entries) stop.abort(reason)
          await join(bytes)
        }
      }
      await expect(reading()).rejects.toBe(reason)
    }
  })

  test('tells how far it is', async () => {
    const archive = await pack(format, { a: noise(3 * MiB), b: noise(3 * MiB, 2) })
    const told: number[] = []
    await unpack(archive, { progress: done => told.push(done) })
    expect(told).toEqual(told.toSorted((a, b) => a - b))
    expect(told.at(-1)).toBe(archive.size)
  })

  test('a file that can no longer be read is told', async () => {
    const archive = await pack(format, { a: noise(1000) })
    const lost = Object.assign(new Error('gone'), { name: 'NotReadableError' })
    const gone = { size: archive.size, slice: () => ({ arrayBuffer: () => Promise.reject(lost) }) }
    await refused(gone as unknown as Blob, 'of the archive cannot be read')
  })
})
