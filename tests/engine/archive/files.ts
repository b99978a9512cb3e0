import { createHash } from 'node:crypto'
import {
  readArchive,
  writeArchive,
  type NewEntry,
  type ReadOptions,
} from '../../../src/engine/archive/archive.ts'
import type { ArchiveFormat } from '../../../src/engine/model/blocks.ts'

/** Path → contents. */
export type Files = Readonly<Record<string, Uint8Array>>

export const modified = Date.UTC(2024, 1, 29, 12, 30, 0)

/** Everything in an archive. A prototype's names are names like any other. */
export async function unpack(archive: Blob, options?: ReadOptions): Promise<Files> {
  const files: Record<string, Uint8Array> = Object.create(null)
  for await (const entry of readArchive(archive, options)) files[entry.path] = await join(entry.bytes)
  return files
}

export async function pack(format: ArchiveFormat, files: Files, pieceBytes = 100_000): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for await (const piece of writeArchive(format, entriesOf(files, pieceBytes))) pieces.push(piece)
  return new Blob(pieces)
}

export async function* entriesOf(files: Files, pieceBytes: number): AsyncGenerator<NewEntry> {
  for (const [path, bytes] of Object.entries(files)) {
    yield { path, size: bytes.length, modified, bytes: slices(bytes, pieceBytes) }
  }
}

async function* slices(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size)
}

export async function join(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const kept: Uint8Array[] = []
  for await (const piece of pieces) kept.push(piece.slice())
  return new Uint8Array(Buffer.concat(kept))
}

export const utf8 = (text: string) => new TextEncoder().encode(text)

/** Bytes that shrink to about three quarters, the same for the same seed. */
export function noise(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length)
  let x = seed
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0
    bytes[i] = (x >>> 24) & 0x3f
  }
  return bytes
}

/** Stands for contents that are too large to be compared element by element. */
export function digests(files: Files): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([path, bytes]) => [path, digest(bytes)]))
}

export function digest(bytes: Uint8Array): string {
  return `${bytes.length} bytes, ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`
}
