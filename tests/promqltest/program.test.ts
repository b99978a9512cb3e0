import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const program = fileURLToPath(new URL('../../sidecar/promqltest.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'brazier-promqltest-'))
afterAll(() => rmSync(folder, { recursive: true }))

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function run(...args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', 'tsx', program, ...args], { cwd: folderOfTsx })
    const written = { out: '', err: '' }
    child.stdout.on('data', chunk => (written.out += String(chunk)))
    child.stderr.on('data', chunk => (written.err += String(chunk)))
    child.once('error', reject).once('close', code => resolve({ code, ...written }))
  })
}

const folderOfTsx = fileURLToPath(new URL('../..', import.meta.url))

function script(path: string, text: string): string {
  const whole = join(folder, path)
  mkdirSync(join(whole, '..'), { recursive: true })
  writeFileSync(whole, text)
  return whole
}

const good = 'load 1m\n  a 1 2\n\neval instant at 1m a\n  a 2\n'
const literal = 'eval instant at 1m 1\n  1\n'

test('scripts that pass end with 0, with either store', async () => {
  script('good/b.test', literal)
  script('good/a.test', literal)
  script('good/notes.txt', 'nonsense')
  const passed = { code: 0, out: '2 passed, 0 failed\n', err: '' }
  expect(await run(join(folder, 'good'))).toEqual(passed)
  expect(await run('--tsdb', join(folder, 'good/a.test'), join(folder, 'good/b.test'))).toEqual(passed)
})

test('a failure is named by file and line, and ends with 1', async () => {
  const path = script('bad.test', `${good}\neval instant at 1m 1 + 1\n  3\n\nnonsense\n`)
  const { code, out } = await run(path, '--tsdb')
  expect(code).toBe(1)
  const lines = out.trimEnd().split('\n')
  expect(lines.slice(-3)).toEqual([
    `${path}:7: head: want scalar 3, found scalar 2`,
    `${path}:10: want clear, load or eval, found nonsense`,
    expect.stringMatching(/^\d passed, \d failed$/),
  ])
})

test.each([
  [[], 'want a PATH, found none'],
  [['--fast', '.'], "Unknown option '--fast'"],
  [['missing.test'], 'missing.test'],
  [['tests/promqltest'], 'want *.test in tests/promqltest, found none'],
])('%j is refused', async (args, reason) => {
  const { code, out, err } = await run(...args)
  expect(err).toContain(reason)
  expect([code, out]).toEqual([2, ''])
})
