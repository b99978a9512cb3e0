import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const path = join(import.meta.dirname, '../RESULTS.md')
const head = `# How fast Brazier is

Each section is written by \`npm run bench -- NAME\`, and stands until that is run again. Prometheus and Brazier take
turns on the same machine, in the same run; figures are medians, with the lowest and the highest in parentheses.
`

/** Writes a section in the place of the one that the bench wrote last time. */
export function writeResults(name: string, section: string): void {
  writeFileSync(path, withSection(existsSync(path) ? readFileSync(path, 'utf8') : head, name, section))
}

/** The text with the section between its marks, which come to the end when they are not there. */
export function withSection(text: string, name: string, section: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const made = `${open}\n\n${section.trim()}\n\n${close}`
  const from = text.indexOf(open)
  const to = text.indexOf(close)
  if (from < 0 || to < from) return `${text.trimEnd()}\n\n${made}\n`
  return text.slice(0, from) + made + text.slice(to + close.length)
}
