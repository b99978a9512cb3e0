import { quote } from '../model/labels.ts'

const mostShown = 160
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The bytes [from, to) as Go's `%q` prints them, for messages. Of many, the last ones. */
export function showBytes(bytes: Uint8Array, from: number, to: number): string {
  const cut = to - from > mostShown
  const slice = bytes.subarray(cut ? to - mostShown : from, to)
  return (cut ? '…' : '') + quoteBytes(slice)
}

function quoteBytes(bytes: Uint8Array): string {
  try {
    return quote(utf8.decode(bytes))
  } catch {
    // Not UTF-8, or cut within a character: everything beyond ASCII is shown as bytes.
    const escaped = Array.from(bytes, byte =>
      byte < 0x80 ? quote(String.fromCharCode(byte)).slice(1, -1) : hex(byte),
    )
    return `"${escaped.join('')}"`
  }
}

function hex(byte: number): string {
  return `\\x${byte.toString(16).padStart(2, '0')}`
}
