// What the text formats have in common, byte by byte.

export const newline = 10
export const space = 32
export const quoteMark = 34
export const hash = 35
export const comma = 44
export const equals = 61
export const backslash = 92
export const braceOpen = 123
export const braceClose = 125

// What a byte may be in a name: first in a metric's, first in a label's, later in either (a colon only in a metric's).
const metricStart = 1
const labelStart = 2
const metricPart = 4
const labelPart = 8
const kinds = new Uint8Array(256)
for (const char of 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_') {
  kinds[char.charCodeAt(0)] = metricStart | labelStart | metricPart | labelPart
}
for (const char of '0123456789') kinds[char.charCodeAt(0)] = metricPart | labelPart
kinds[':'.charCodeAt(0)] = metricStart | metricPart

/** Place behind the name of a metric at `i`, or -1 where none begins. */
export function metricEnd(bytes: Uint8Array, i: number): number {
  if (((kinds[bytes[i] as number] as number) & metricStart) === 0) return -1
  do i++
  while (((kinds[bytes[i] as number] as number) & metricPart) !== 0)
  return i
}

/** Place behind the name of a label at `i`, or -1 where none begins. */
export function labelEnd(bytes: Uint8Array, i: number): number {
  if (((kinds[bytes[i] as number] as number) & labelStart) === 0) return -1
  do i++
  while (((kinds[bytes[i] as number] as number) & labelPart) !== 0)
  return i
}

/** The bytes, if there are any, with a newline at their end. */
export function endedLine(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 0 || bytes.at(-1) === newline) return bytes
  const longer = new Uint8Array(bytes.length + 1)
  longer.set(bytes)
  longer[bytes.length] = newline
  return longer
}

/** A name or value between quotes, with its escapes read: `\\`, `\"` and `\n`; others stay as they are. */
export function unescape(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(["\\n])/g, (_, char) => (char === 'n' ? '\n' : String(char)))
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The bytes [from, to) as text, or null where they are no UTF-8. */
export function decodeText(bytes: Uint8Array, from: number, to: number): string | null {
  try {
    return utf8.decode(bytes.subarray(from, to))
  } catch {
    // The caller says what it was to be.
    return null
  }
}

/** Line and column of a byte, both from 1. */
export function placeOf(bytes: Uint8Array, at: number): { line: number; column: number } {
  const lineFrom = at === 0 ? 0 : bytes.lastIndexOf(newline, at - 1) + 1
  return { line: newlinesIn(bytes, 0, lineFrom) + 1, column: at - lineFrom + 1 }
}

/** Number of newlines among the bytes [from, to). */
export function newlinesIn(bytes: Uint8Array, from: number, to: number): number {
  let count = 0
  for (let i = bytes.indexOf(newline, from); i >= 0 && i < to; i = bytes.indexOf(newline, i + 1)) count++
  return count
}
