import { runScript, type Bench } from './run.ts'
import { countEvals, readScript } from './script.ts'

/** A script as it was found. */
export interface ScriptFile {
  readonly path: string
  readonly text: string
}

/** How the evals of all files went. */
export interface Total {
  readonly passed: number
  readonly failed: number
  /** Nothing at all went wrong, evals or other lines. */
  readonly clean: boolean
}

/** Characters of a reason that are shown. */
const longest = 400

/** Runs scripts one after the other and prints a line for everything that failed, the last line being
 *  `N passed, N failed`: the evals, each of which counts once and passes if all its ways do. */
export async function runFiles(
  files: readonly ScriptFile[],
  bench: Bench,
  print: (line: string) => void,
): Promise<Total> {
  let [passed, failed, faults] = [0, 0, 0]
  for (const { path, text } of files) {
    const outcomes = await runScript(readScript(text), bench)
    for (const { line, isEval, reason } of outcomes) {
      if (reason !== null) print(`${path}:${line}: ${oneLine(reason)}`)
      if (!isEval) faults++
      else if (reason === null) passed++
      else failed++
    }
    const [wanted, found] = [countEvals(text), outcomes.filter(({ isEval }) => isEval).length]
    if (wanted === found) continue
    print(`${path}:1: want ${wanted} evals, one for each line that begins with eval, have run ${found}`)
    faults++
  }
  print(`${passed} passed, ${failed} failed`)
  return { passed, failed, clean: failed === 0 && faults === 0 }
}

function oneLine(reason: string): string {
  const text = reason.replace(/\s*[\n\r]\s*/g, ' ')
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}
