// Places in an expression that texts of the engine name as `line:column`, Prometheus's form: both count from 1, columns
// count bytes of UTF-8.

/** Where a warning or an info of an answer belongs, as an UTF-16 offset; null when its text names no place that the
 *  expression has. */
export function placeOfNote(note: string, expr: string): number | null {
  const [, line, column] = / \((\d+):(\d+)\)$/.exec(note) ?? []
  return line === undefined ? null : offsetOf(expr, Number(line), Number(column))
}

/** A note without its place. */
export function textOfNote(note: string): string {
  return note.replace(/ \(\d+:\d+\)$/, '')
}

function offsetOf(expr: string, line: number, column: number): number | null {
  const lines = expr.split('\n')
  const text = lines[line - 1]
  if (text === undefined) return null
  const before = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0)
  let bytes = 1
  let units = 0
  for (const char of text) {
    if (bytes >= column) break
    bytes += utf8Length(char)
    units += char.length
  }
  return bytes === column ? before + units : null
}

function utf8Length(char: string): number {
  const code = char.codePointAt(0) ?? 0
  if (code < 0x80) return 1
  if (code < 0x800) return 2
  return code < 0x10000 ? 3 : 4
}
