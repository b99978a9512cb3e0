import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { problemsIn } from '../../../src/engine/promql/syntax/parser.ts'

// The cases of the grammar that Prometheus's own editor uses, where they are present: a name behind `#`, an expression,
// and behind `==>` its tree, which has ⚠ where the expression is wrong.

const file = fileURLToPath(new URL('../../../../shared/upstream/grammar/expression.txt', import.meta.url))
const present = existsSync(file)
const text = present ? readFileSync(file, 'utf8') : ''
const cases = [...text.matchAll(/^# (.*)\n([^]*?)\n==>\n([^]*?)(?=^# |$(?![^]))/gm)].map(
  ([, name = '', written = '', tree = '']) => ({ name, written: written.trim(), wrong: tree.includes('⚠') }),
)

describe.skipIf(!present)('the official grammar', () => {
  test('is there as a whole', () => {
    expect(cases).toHaveLength(text.split('==>').length - 1)
  })

  test.each(cases)('$name', ({ written, wrong }) => {
    expect(problemsIn(written).length > 0).toBe(wrong)
  })
})
