import { readEval, type Eval } from './eval.ts'
import { beginsEval, Lines, type CommandLine } from './lines.ts'
import { readLoad, type Load } from './load.ts'
import { readAt, ScriptError } from './scripterror.ts'

export type Command = Clear | Load | Eval | Broken

interface Clear {
  readonly kind: 'clear'
  /** Line of the command, as in all of them; counts from 1. */
  readonly line: number
}

/** What could not be read, and is a failure for that. */
interface Broken {
  readonly kind: 'broken'
  /** Where it is wrong: in the command's line or below. */
  readonly line: number
  readonly reason: string
  /** It should have been an eval. */
  readonly isEval: boolean
}

/** Reads a script (the language of upstream's `promql/promqltest`). Nothing is thrown: what cannot be read becomes
 *  `broken`, and reading goes on behind the block. Every line that begins with `eval` becomes one command that is, or
 *  should have been, an eval. */
export function readScript(text: string): Command[] {
  const lines = new Lines(text)
  const commands: Command[] = []
  for (let line = lines.command(); line; line = lines.command()) {
    commands.push(readOrBreak(line, lines))
  }
  return commands
}

function readOrBreak(line: CommandLine, lines: Lines): Command {
  try {
    return readAt(line, () => readCommand(line, lines))
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error
    lines.skipBlock()
    const isEval = beginsEval(line.text)
    return { kind: 'broken', line: error.line ?? line.number, reason: error.message, isEval }
  }
}

function readCommand(line: CommandLine, lines: Lines): Command {
  const { inside, text, number } = line
  if (inside) throw new ScriptError(`want a blank line in front, found the block of line ${inside.number}`)
  const [word = ''] = text.toLowerCase().split(/\s/, 1)
  if (word.startsWith('eval')) return readEval(line, lines)
  if (word.startsWith('load')) return readLoad(line, lines)
  if (word !== 'clear') throw new ScriptError(`want clear, load or eval, found ${text}`)
  lines.endBlock()
  return { kind: 'clear', line: number }
}

/** How many evals a script has, told without reading it: the lines that begin with `eval`. Whoever runs a script must
 *  come to the same number. */
export function countEvals(text: string): number {
  return text.split('\n').filter(line => /^\s*eval/i.test(line)).length
}
