import { compareBytes } from '../../model/labels.ts'

/** Whether a text comes before another one in natural order, `a2` before `a10`: chunks of digits are compared as numbers,
 *  other chunks byte by byte (https://github.com/facette/natsort). Of texts that differ in leading zeros alone each comes
 *  before the other. */
export function isNaturallyBefore(a: string, b: string): boolean {
  const left = chunksOf(a)
  const right = chunksOf(b)
  for (const [i, chunk] of left.entries()) {
    const other = right[i]
    if (other === undefined) return false
    const order = compareChunks(chunk, other)
    if (order !== 0) return order < 0
    if (i === left.length - 1) return true
    if (i === right.length - 1) return false
  }
  return false
}

function chunksOf(text: string): readonly string[] {
  return text.match(/[0-9]+|[^0-9]+/g) ?? []
}

function compareChunks(a: string, b: string): number {
  const [x, y] = [digitsOf(a), digitsOf(b)]
  if (x === null || y === null) return compareBytes(a, b)
  return x.length - y.length || compareBytes(x, y)
}

const largest = '9223372036854775807'

/** A number without leading zeros; what does not fit into Go's 64 bits is mere text. */
function digitsOf(chunk: string): string | null {
  if (!/^[0-9]/.test(chunk)) return null
  const digits = chunk.replace(/^0+(?=.)/, '')
  const fits = digits.length < largest.length || (digits.length === largest.length && digits <= largest)
  return fits ? digits : null
}
