import { RE2JS } from 're2js'

/** Larger regular expressions are refused: compiling takes some hundred milliseconds for each such size, during which
 *  nothing else runs. Upstream takes what Go takes, which is a hundred times as much. */
const maxSize = 2 ** 16

/** What a class of Unicode costs, in characters. */
const unicodeClass = 16

/** A regular expression that matches a whole value, and whose `.` matches a newline: `^(?s:…)$`, as upstream anchors
 *  them. RE2 runs in linear time, which a backtracking RegExp on a user's pattern does not.
 *  @throws Error with RE2's text when it is not valid, or too large */
export function compilePattern(pattern: string): RE2JS {
  if (pattern.length > maxSize || sizeOf(pattern) > maxSize) {
    throw new Error(`error parsing regexp: want a size of at most ${maxSize}, found a larger one`)
  }
  return RE2JS.compile(`^(?s:${pattern})$`)
}

const part = /\\[pP](?:\{[^}]{0,40}\}|[^])|\\[^]|\{(\d+)(?:,(\d*))?\}|[^]/g

/** About how many characters and classes there are once repetitions are written out: `(ab{3}){10}` has 40. It need not be
 *  right for what is no regular expression. */
function sizeOf(pattern: string): number {
  const outer: number[] = []
  let size = 0
  let last = 0
  let classEnd = 0
  for (const { 0: text, 1: least, 2: most, index } of pattern.matchAll(part)) {
    if (index < classEnd) continue
    if (text === '(') {
      outer.push(size)
      size = last = 0
    } else if (text === ')') {
      last = size
      size += outer.pop() ?? 0
    } else if (least !== undefined) {
      const times = Math.max(1, Number(least), Number(most ?? 0))
      size += last * (times - 1)
      last *= times
    } else if (!'*+?|^$'.includes(text)) {
      if (text === '[') classEnd = pattern.indexOf(']', index + 2) + 1
      last = /^\\[pP]/.test(text) ? unicodeClass : 1
      size += last
    }
  }
  return outer.reduce((sum, more) => sum + more, size)
}
