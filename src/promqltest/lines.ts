export interface Line {
  /** Counts from 1. */
  readonly number: number
  /** Without the white space around it. */
  readonly text: string
}

export interface CommandLine extends Line {
  /** The command in whose block this line stands, because no blank line is between them; null when there is none. */
  readonly inside: Line | null
}

/** The lines of a script, for commands that read their own blocks. A comment is a blank line, and a blank line ends a
 *  block (upstream's `getLines`). So does a line that begins with `eval`, lest a block swallow it. */
export class Lines {
  private readonly all: readonly string[]
  private at = 0
  private open: Line | null = null

  constructor(script: string) {
    this.all = script.split('\n').map(line => {
      const text = line.trim()
      return text.startsWith('#') ? '' : text
    })
  }

  /** The line of the next command; null behind the last. */
  command(): CommandLine | null {
    while (this.all[this.at] === '') {
      this.open = null
      this.at++
    }
    const text = this.all[this.at]
    if (text === undefined) return null
    this.at++
    const line = { number: this.at, text, inside: this.open }
    this.open = line
    return line
  }

  /** The next line of the command's block; null where it has ended. */
  more(): Line | null {
    const text = this.all[this.at]
    if (text === undefined || text === '' || beginsEval(text)) return null
    this.at++
    return { number: this.at, text }
  }

  skipBlock(): void {
    while (this.more());
  }

  /** Ends the block without a blank line: another command may follow at once. */
  endBlock(): void {
    this.open = null
  }
}

export function beginsEval(text: string): boolean {
  return /^eval/i.test(text)
}
