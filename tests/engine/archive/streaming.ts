import { closeSync, mkdtempSync, openAsBlob, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from '../../../src/engine/archive/crc32.ts'
import { readArchive, writeArchive, type NewEntry } from '../../../src/engine/archive/archive.ts'
import type { ArchiveFormat } from '../../../src/engine/model/blocks.ts'
import { Memory } from '../../memory.ts'
import { modified, noise } from './files.ts'

const MiB = 1024 * 1024

export interface Passage {
  readonly archiveBytes: number
  /** Of everything that came out again. */
  readonly bytes: number
  readonly intact: boolean
  /** Most memory that was in use while writing or reading beyond what was in use before: JavaScript's heap and
   *  the buffers outside of it, without garbage. */
  readonly writing: number
  readonly reading: number
  /** Most memory that the process had beyond what it had before, garbage included. */
  readonly resident: number
}

/** Writes an archive of files of this size to a temporary file, and reads it back. */
export async function passThrough(format: ArchiveFormat, files: number, fileBytes: number): Promise<Passage> {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-streaming-'))
  const path = join(folder, 'archive')
  try {
    const memory = new Memory(files * fileBytes)
    const wanted = await writeTo(path, format, { files, fileBytes }, memory)
    const writing = memory.takePeak()
    const archive = await openAsBlob(path)
    const found = await checksums(archive, memory)
    const reading = memory.takePeak()
    const intact = found.sums.join() === wanted.join()
    const { bytes } = found
    return { archiveBytes: archive.size, bytes, intact, writing, reading, resident: memory.peakResident }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Answers the checksums of the files. */
async function writeTo(
  path: string,
  format: ArchiveFormat,
  { files, fileBytes }: { readonly files: number; readonly fileBytes: number },
  memory: Memory,
): Promise<number[]> {
  const sums: number[] = []
  async function* entries(): AsyncGenerator<NewEntry> {
    for (let i = 0; i < files; i++) {
      sums.push(0)
      yield { path: `chunks/${i}`, size: fileBytes, modified, bytes: contents(i) }
    }
  }
  async function* contents(i: number): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < fileBytes; at += MiB) {
      const piece = mostlyZeros(Math.min(MiB, fileBytes - at), at + i)
      sums[i] = crc32(piece, sums[i])
      yield piece
    }
  }
  const file = openSync(path, 'w')
  try {
    for await (const piece of writeArchive(format, entries())) {
      writeSync(file, piece)
      memory.look(piece.length)
    }
  } finally {
    closeSync(file)
  }
  return sums
}

async function checksums(archive: Blob, memory: Memory): Promise<{ sums: number[]; bytes: number }> {
  const sums: number[] = []
  let bytes = 0
  for await (const entry of readArchive(archive)) {
    let sum = 0
    for await (const piece of entry.bytes) {
      sum = crc32(piece, sum)
      bytes += piece.length
      memory.look(piece.length)
    }
    sums.push(sum)
  }
  return { sums, bytes }
}

/** Shrinks to a twentieth, so that compressing it takes no minutes. */
function mostlyZeros(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length)
  bytes.set(noise(Math.min(length, 64 * 1024), seed + 1))
  return bytes
}
