// Small files of ours in `brazier/`: Prometheus looks at nothing in its data directory but what it knows. Each is an object
// in JSON with a checksum, since one wrong digit would make another number of a number:
//   {"bytes":1000,"crc":2962613731}        the CRC-32C of the object without it, as JSON

import { crc32c } from '../bytes/crc32c.ts'
import { NotFoundError, type Disk } from '../disk/disk.ts'

export interface OwnFile {
  /** Undefined when there is no such file, or none that can be read. */
  readonly value: unknown
  /** What is wrong with it. */
  readonly damage: string | null
}

/** Reads a file. One without a checksum is taken as it is.
 *  @throws what the disk throws */
export async function readOwn(disk: Disk, path: string): Promise<OwnFile> {
  try {
    return parse(path, utf8.decode.decode(await disk.read(path)))
  } catch (error) {
    if (error instanceof NotFoundError) return { value: undefined, damage: null }
    throw error
  }
}

/** Strictly durable when it resolves.
 *  @param value has at least one field */
export function writeOwn(disk: Disk, path: string, value: object): Promise<void> {
  const text = JSON.stringify(value)
  return disk.write(path, utf8.encode.encode(`${text.slice(0, -1)},"crc":${checksumOf(text)}}\n`))
}

/** What a file has that is none of those that are wanted. */
export function unwanted(path: string, wanted: string, found: unknown): string {
  return `${path}: want ${wanted}, have ${JSON.stringify(found).slice(0, 60)}`
}

const utf8 = { encode: new TextEncoder(), decode: new TextDecoder() }

function parse(path: string, text: string): OwnFile {
  try {
    const value = JSON.parse(text) as unknown
    if (typeof value !== 'object' || value === null || !('crc' in value)) return { value, damage: null }
    const { crc: wanted, ...rest } = value
    const found = checksumOf(JSON.stringify(rest))
    if (found === wanted) return { value: rest, damage: null }
    return { value: undefined, damage: unwanted(path, `checksum ${found}`, wanted) }
  } catch (error) {
    return { value: undefined, damage: `${path}: want JSON, have ${(error as SyntaxError).message}` }
  }
}

function checksumOf(text: string): number {
  return crc32c(utf8.encode.encode(text))
}
