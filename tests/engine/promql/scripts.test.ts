import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'vitest'
import { readScript } from './promqltest.ts'

const folder = new URL('.', import.meta.url)

for (const file of readdirSync(folder).filter(name => name.endsWith('.test'))) {
  describe(file, () => {
    const cases = readScript(file, readFileSync(new URL(file, folder), 'utf8'))
    for (const { name, run } of cases) test(name, run)
  })
}
