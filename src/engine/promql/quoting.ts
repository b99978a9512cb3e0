import { quote } from '../model/labels.ts'

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

/** Value of a string literal that the lexer has accepted. `\x` and octal escapes are bytes: several of them can
 *  make one character. Bytes that are no UTF-8 become U+FFFD. */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1)
  if (literal.startsWith('`') || !body.includes('\\')) return body
  const bytes: number[] = []
  for (const [plain, octal, hex, short, long, letter] of body.matchAll(escapeSequence)) {
    if (octal) bytes.push(parseInt(octal, 8))
    else if (hex) bytes.push(parseInt(hex, 16))
    else if (letter) bytes.push(escapes[letter] as number)
    else for (const byte of new TextEncoder().encode(codePoint(short ?? long) ?? plain)) bytes.push(byte)
  }
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(bytes))
}

function codePoint(hex: string | undefined): string | null {
  return hex === undefined ? null : String.fromCodePoint(parseInt(hex, 16))
}
