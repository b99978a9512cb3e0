import { quote } from '../../model/labels.ts'

// Go's ways of showing characters and of reading string literals (`strconv`, upstream's `util/strutil`).

/** A character in single quotes (`%q`). The end of the text is no character and shows as U+FFFD. */
export function quoteRune(char: string): string {
  if (char === '') return "'\ufffd'"
  if (char === "'") return `'\\''`
  return char === '"' ? `'"'` : `'${quote(char).slice(1, -1)}'`
}

/** `U+0063 'c'` (`%#U`); the character itself only when it can be printed. */
export function unicodePoint(char: string): string {
  const code = (char.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0')
  return isPrintable(char) ? `U+${code} '${char}'` : `U+${code}`
}

function isPrintable(char: string): boolean {
  return char === '\\' || char === '"' || quote(char) === `"${char}"`
}

const escapes: Record<string, number> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
}

const escapeSequence =
  /\\(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([abfnrtv\\'"]))|[^\\]+/g

/** Value of a string literal that the lexer has accepted. `\x` and octal escapes are bytes: several of them can make one
 *  character. A byte that is no UTF-8 becomes a lone surrogate, U+DC80 to U+DCFF: Go's strings can hold it, and a name
 *  with it is no valid name. */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1)
  if (literal.startsWith('`') || !body.includes('\\')) return body
  const parts: string[] = []
  let bytes: number[] = []
  for (const [plain, octal, hex, short, long, letter] of body.matchAll(escapeSequence)) {
    if (octal) bytes.push(parseInt(octal, 8))
    else if (hex) bytes.push(parseInt(hex, 16))
    else {
      if (bytes.length > 0) parts.push(decode(bytes))
      bytes = []
      parts.push(
        letter ? String.fromCharCode(escapes[letter] as number) : (codePoint(short ?? long) ?? plain),
      )
    }
  }
  return parts.join('') + decode(bytes)
}

/** Whether a text is what a label or a metric can be called: not empty, and UTF-8. */
export function isValidName(name: string): boolean {
  return name !== '' && !/\p{Surrogate}/u.test(name)
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

function decode(bytes: readonly number[]): string {
  const parts: string[] = []
  let good = 0
  for (let i = 0; i < bytes.length;) {
    const length = characterLength(bytes, i)
    if (length === 0) {
      const escaped = String.fromCharCode(0xdc00 + (bytes[i] as number))
      parts.push(utf8.decode(new Uint8Array(bytes.slice(good, i))), escaped)
      good = i + 1
    }
    i += length || 1
  }
  return parts.join('') + utf8.decode(new Uint8Array(bytes.slice(good)))
}

/** How many bytes the character at `i` has; 0 when it is no UTF-8. */
function characterLength(bytes: readonly number[], i: number): number {
  const lead = bytes[i] as number
  if (lead < 0x80) return 1
  const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
  // The second byte tells overlong forms, surrogates and what is beyond Unicode.
  const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
  const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
  for (let k = 1; k < length; k++) {
    const byte = bytes[i + k] ?? 0
    if (byte < (k === 1 ? least : 0x80) || byte > (k === 1 ? most : 0xbf)) return 0
  }
  return length
}

function codePoint(hex: string | undefined): string | null {
  return hex === undefined ? null : String.fromCodePoint(parseInt(hex, 16))
}
