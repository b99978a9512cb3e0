import { CorruptionError } from '../../bytes/corruption.ts'
import { crc32c } from '../../bytes/crc32c.ts'

/** What every damage in a block says: the file, what was wanted, what was found, and where. */
export function damage(path: string, offset: number, wanted: string, found: string): CorruptionError {
  return new CorruptionError(`${path}: want ${wanted}, have ${found}`, offset)
}

/** Runs a parser of a part of a file that begins at byte `base`, and gives its errors their place in the file. */
export function within<T>(path: string, base: number, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof CorruptionError)) throw error
    const message = error.message.replace(/ at byte \d+$/, '')
    throw new CorruptionError(`${path}: ${message}`, base + error.offset, { cause: error })
  }
}

/** @param offset of `covered` in the file */
export function checkSum(path: string, offset: number, covered: Uint8Array, wanted: number): void {
  const found = crc32c(covered)
  if (found !== wanted) throw damage(path, offset, `checksum ${hex(wanted)}`, hex(found))
}

export function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
