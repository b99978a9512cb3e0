import { beforeEach, describe, expect, test } from 'vitest'
import { stagingSuffix } from '../../../../src/engine/disk/disk.ts'
import { MemoryDisk } from '../../../../src/engine/disk/memory.ts'
import { openBlock, type Block } from '../../../../src/engine/tsdb/block/block.ts'
import { blocksOut } from '../../../../src/engine/tsdb/transfer/exporter.ts'
import { Exports } from '../../../../src/engine/tsdb/transfer/exports.ts'
import { FakeHost } from '../../../fakehost.ts'
import { digests, unpack, type Files } from '../../archive/files.ts'
import { shelfOf } from '../block/blockdisk.ts'
import { archiveOf, blockFiles, Store, ulids } from './blocks.ts'

const [a, b] = ulids
let files: Files = {}
let disk = new MemoryDisk()
let blocks: Block[] = []

beforeEach(async () => {
  files = { ...(await blockFiles(a)), ...(await blockFiles(b, 'down')) }
  disk = new MemoryDisk()
  await (await Store.open(disk)).take(await archiveOf(files))
  blocks = await Promise.all(ulids.map(ulid => openBlock(shelfOf(disk), ulid)))
})

async function blobOf(pieces: AsyncIterable<Uint8Array>): Promise<Blob> {
  const kept: Uint8Array<ArrayBuffer>[] = []
  for await (const piece of pieces) kept.push(new Uint8Array(piece))
  return new Blob(kept)
}

function archive(
  chosen: readonly Block[],
  format: 'zip' | 'tar.gz',
  signal = new AbortController().signal,
): AsyncGenerator<Uint8Array> {
  return blocksOut(disk, chosen, format).bytes(signal, () => undefined)
}

describe.each(['zip', 'tar.gz'] as const)('a %s of blocks', format => {
  test('has their files in order, byte for byte', async () => {
    const found = await unpack(await blobOf(archive(blocks, format)))
    expect(digests(found)).toEqual(digests(files))
    const inside = ['meta.json', 'index', 'chunks/000001', 'tombstones']
    expect(Object.keys(found)).toEqual(ulids.flatMap(ulid => inside.map(path => `${ulid}/${path}`)))
  })

  test('is the same every time', async () => {
    const once = await blobOf(archive(blocks, format))
    const twice = await blobOf(archive(blocks, format))
    expect(Buffer.from(await once.arrayBuffer()).equals(Buffer.from(await twice.arrayBuffer()))).toBe(true)
  })

  test('may be one of a block that is only staged', async () => {
    const writer = async (path: string, bytes: Uint8Array) => {
      const file = await disk.create(`${a}${stagingSuffix}/${path.slice(a.length + 1)}`)
      await file.write(bytes)
      await file.close()
    }
    const mine = Object.fromEntries(Object.entries(files).filter(([path]) => path.startsWith(a)))
    for (const [path, bytes] of Object.entries(mine)) await writer(path, bytes)
    const staged = await openBlock(shelfOf(disk), a + stagingSuffix)
    const found = await unpack(await blobOf(archive([staged], format)))
    expect(digests(found)).toEqual(digests(mine))
  })

  test('ends with the reason of its signal', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    stop.abort(reason)
    await expect(blobOf(archive(blocks, format, stop.signal))).rejects.toBe(reason)
  })
})

describe('exports by number', () => {
  let host = new FakeHost()
  let released = 0
  let exports = new Exports(host, () => 0)

  beforeEach(() => {
    host = new FakeHost()
    released = 0
    let id = 6
    exports = new Exports(host, () => ++id)
  })

  const count = () => {
    released++
  }

  function open(chosen = blocks, format: 'zip' | 'tar.gz' = 'zip') {
    return exports.open(blocksOut(disk, chosen, format), count)
  }

  async function* piecesOf(id: number): AsyncGenerator<Uint8Array> {
    for (let piece = await exports.read(id); piece; piece = await exports.read(id)) yield piece
  }

  test('have a file name and a type', () => {
    expect(open()).toEqual({ id: 7, fileName: 'brazier-2-blocks.zip', type: 'application/zip' })
    const ticket = open(blocks.slice(1), 'tar.gz')
    expect(ticket).toEqual({ id: 8, fileName: `brazier-${b}.tar.gz`, type: 'application/gzip' })
  })

  test('are read to their end, and let go of their blocks then', async () => {
    const { id } = open()
    expect(digests(await unpack(await blobOf(piecesOf(id))))).toEqual(digests(files))
    expect(released).toBe(1)
    expect(exports.jobs).toEqual([])
    expect(host.pending).toBe(0)
    await expect(exports.read(id)).rejects.toThrow('want an export that runs, have 7')
    await exports.close(id)
    expect(released).toBe(1)
  })

  test('tell how far they are', async () => {
    const total = blocks.reduce((sum, block) => sum + block.bytes, 0)
    const { id } = open()
    const job = { id, kind: 'export', name: 'brazier-2-blocks.zip', phase: 'writing', total }
    expect(exports.jobs).toEqual([{ ...job, done: 0 }])
    await exports.read(id)
    expect(exports.jobs).toEqual([{ ...job, done: total }])
  })

  test('are given up when nobody reads them for a minute', async () => {
    const { id } = open()
    await host.advance(59_000)
    await exports.read(id)
    await host.advance(59_000)
    expect(exports.jobs).toHaveLength(1)
    await host.advance(1000)
    expect(exports.jobs).toEqual([])
    expect(released).toBe(1)
    expect(host.logs).toMatchObject([{ level: 'warn', message: 'export given up: nobody reads it' }])
    await expect(exports.read(id)).rejects.toThrow('or nobody read it for 60 s')
  })

  test('are closed by their reader, and by the end of everything', async () => {
    const { id } = open()
    open()
    await exports.read(id)
    await exports.close(id)
    expect(released).toBe(1)
    await exports.stop()
    expect(released).toBe(2)
    expect(exports.jobs).toEqual([])
    expect(host.pending).toBe(0)
  })

  test('that fail tell why, once, and let go of their blocks', async () => {
    const { id } = open()
    await disk.remove(`${a}/index`)
    await expect(exports.read(id)).rejects.toThrow(`no file ${a}/index`)
    expect(released).toBe(1)
    expect(exports.jobs).toEqual([])
  })

  test('may be read before the last read has been answered', async () => {
    const { id } = open()
    const [first, second] = await Promise.all([exports.read(id), exports.read(id)])
    expect(first?.length).toBeGreaterThan(0)
    expect(second).toBeNull()
    expect(released).toBe(1)
  })

  test('may be closed while they are read', async () => {
    const { id } = open()
    const reading = exports.read(id).catch(() => null)
    await exports.close(id)
    await reading
    expect(released).toBe(1)
    expect(exports.jobs).toEqual([])
    expect(host.pending).toBe(0)
  })
})
