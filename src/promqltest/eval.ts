import { durationOf, readExpected, timesOf, type Expected, type Legacy, type Times } from './expected.ts'
import type { Line, Lines } from './lines.ts'
import { ScriptError } from './scripterror.ts'

/** A question and what its answer must be. */
export interface Eval {
  readonly kind: 'eval'
  readonly line: number
  readonly expr: string
  /** One time in milliseconds, or several. */
  readonly at: number | Times
  readonly expected: Expected
}

const instant = /^eval(?:_(fail|warn|info|ordered))?\s+instant\s+at\s+(\S+)\s+(.+)$/
const range = /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/

/** @throws ScriptError */
export function readEval(line: Line, lines: Lines): Eval {
  const { legacy, expr, at } = readHead(line.text)
  const expected = readExpected(lines, { legacy, instant: typeof at === 'number' })
  return { kind: 'eval', line: line.number, expr, at, expected }
}

function readHead(text: string): { legacy: Legacy | null; expr: string; at: number | Times } {
  const one = instant.exec(text)
  if (one) return { legacy: legacyOf(one[1]), at: durationOf(one[2] as string), expr: one[3] as string }
  const many = range.exec(text)
  if (!many) {
    const wanted = 'eval instant at <time> <query> or eval range from <start> to <end> step <step> <query>'
    throw new ScriptError(`want ${wanted}, found ${text}`)
  }
  const at = timesOf(many[2] as string, many[3] as string, many[4] as string)
  return { legacy: legacyOf(many[1]), at, expr: many[5] as string }
}

function legacyOf(word: string | undefined): Legacy | null {
  return (word as Legacy | undefined) ?? null
}
