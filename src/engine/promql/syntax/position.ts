/** `line:column` of a place as Prometheus writes it: both count from 1, columns count bytes of UTF-8
 *  (`PositionRange.StartPosInput`). `offset` counts UTF-16 units. */
export function position(query: string, offset: number): string {
  if (query === '') return 'unknown position'
  const before = query.slice(0, offset)
  const line = before.split('\n').length
  const column = utf8Length(before.slice(before.lastIndexOf('\n') + 1)) + 1
  return `${line}:${column}`
}

/** How many bytes a text has in UTF-8. */
export function utf8Length(text: string): number {
  let bytes = 0
  for (const char of text) {
    const code = char.codePointAt(0) as number
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
  }
  return bytes
}
