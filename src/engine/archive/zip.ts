import { makeZip } from 'client-zip'
import type { NewEntry } from './entry.ts'
import { drain } from './streams.ts'

/** Archives the files as they are, in their order; sizes and checksums stand behind each file and in the directory. */
export function writeZip(entries: AsyncIterable<NewEntry>): AsyncGenerator<Uint8Array> {
  return drain(makeZip(files(entries)))
}

async function* files(entries: AsyncIterable<NewEntry>) {
  for await (const { path, modified, bytes } of entries) {
    yield { name: path, lastModified: new Date(modified), input: bytes }
  }
}
