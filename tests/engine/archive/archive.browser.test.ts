import { describe, expect, test } from 'vitest'
import { readArchive, writeArchive, type NewEntry } from '../../../src/engine/archive/archive.ts'
import { ImportError } from '../../../src/engine/model/errors.ts'

// The decompressors of browsers differ from Node's in what they buffer and refuse.

describe.each(['zip', 'tar.gz'] as const)('in a browser, a %s', format => {
  test('comes back as it went', async () => {
    const archive = await pack(format)
    expect(await sums(archive)).toEqual({ 'block/index': sumOf(index), 'block/chunks/000001': sumOf(chunks) })
  })

  test('may be left half read', async () => {
    const paths: string[] = []
    for await (const { path, bytes } of readArchive(await pack(format))) {
      paths.push(path)
      for await (const piece of bytes) if (piece.length > 0) break
    }
    expect(paths).toEqual(['block/index', 'block/chunks/000001'])
  })

  test('that is cut off is refused', async () => {
    const archive = await pack(format)
    for (const missing of [1, 9, 600, archive.size >> 1]) {
      await expect(sums(archive.slice(0, archive.size - missing))).rejects.toBeInstanceOf(ImportError)
    }
  })

  test('with a flipped bit is refused', async () => {
    const archive = await pack(format)
    const bytes = new Uint8Array(await archive.arrayBuffer())
    bytes[bytes.length >> 1]! ^= 4
    await expect(sums(new Blob([bytes]))).rejects.toBeInstanceOf(ImportError)
  })

  test('ends with the reason of its signal', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const archive = await pack(format)
    const reading = async () => {
      for await (const { bytes } of readArchive(archive, { signal: stop.signal })) {
        stop.abort(reason)
        for await (const piece of bytes) expect(piece.length).toBeGreaterThan(0)
      }
    }
    await expect(reading()).rejects.toBe(reason)
  })

  test('lets go of its source when nobody reads on', async () => {
    let released = false
    async function* source() {
      try {
        yield* entries()
      } finally {
        released = true
      }
    }
    for await (const piece of writeArchive(format, source())) if (piece.length > 0) break
    expect(released).toBe(true)
  })
})

test('in a browser, a deflated zip is read', async () => {
  const { zipSync } = await import('fflate')
  expect(await sums(new Blob([zipSync({ x: index })]))).toEqual({ x: sumOf(index) })
})

test('in a browser, a gzip of two members is refused', async () => {
  const archive = await pack('tar.gz')
  await expect(sums(new Blob([archive, archive]))).rejects.toBeInstanceOf(ImportError)
})

const index = noise(700_000, 1)
const chunks = noise(6_000_000, 2)

async function* entries(): AsyncGenerator<NewEntry> {
  yield { path: 'block/index', size: index.length, modified: 1.7e12, bytes: slices(index) }
  yield { path: 'block/chunks/000001', size: chunks.length, modified: 1.7e12, bytes: slices(chunks) }
}

async function pack(format: 'zip' | 'tar.gz'): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for await (const piece of writeArchive(format, entries())) pieces.push(piece)
  return new Blob(pieces)
}

async function sums(archive: Blob): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const { path, bytes } of readArchive(archive)) {
    let sum = 0
    let size = 0
    for await (const piece of bytes) {
      for (const byte of piece) sum = (Math.imul(sum, 31) + byte) | 0
      size += piece.length
    }
    found[path] = `${size} bytes, ${sum}`
  }
  return found
}

function sumOf(bytes: Uint8Array): string {
  return `${bytes.length} bytes, ${bytes.reduce((sum, byte) => (Math.imul(sum, 31) + byte) | 0, 0)}`
}

async function* slices(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 1_000_000) yield bytes.slice(at, at + 1_000_000)
}

function noise(length: number, seed: number): Uint8Array<ArrayBuffer> {
  let x = seed
  return new Uint8Array(length).map(() => {
    x = (Math.imul(x, 1664525) + 1013904223) | 0
    return (x >>> 24) & 0x3f
  })
}
