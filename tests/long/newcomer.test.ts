import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { freePort } from '../programs.ts'

const root = join(import.meta.dirname, '../..')
const made = ['.git', 'node_modules', 'dist', 'dist-node', 'test-results', 'playwright-report']
const copy = mkdtempSync(join(tmpdir(), 'brazier-newcomer-'))
afterAll(() => rmSync(copy, { recursive: true, force: true }))

test('in a fresh copy, npm start builds and serves the page, and Ctrl-C ends it without complaint', async () => {
  cpSync(root, copy, { recursive: true, filter: path => !made.includes(relative(root, path)) })
  // What npm ci gives: .ci/run has begun with it, and it takes minutes.
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')

  const port = await freePort()
  // A group of its own, as a terminal has it: Ctrl-C reaches all of it.
  const npm = spawn('npm', ['start', '--', '--port', String(port)], { cwd: copy, detached: true })
  let log = ''
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', chunk => (log += String(chunk)))
  const ended = new Promise(resolve => npm.once('close', resolve))
  try {
    const address = `http://localhost:${port}`
    while (!log.includes(`Brazier is at ${address} `)) {
      if (npm.exitCode !== null) throw new Error(`npm start ended with ${npm.exitCode}:\n${log}`)
      await sleep(100)
    }
    const page = await fetch(`${address}/`)
    expect(await page.text()).toBe(readFileSync(join(copy, 'dist/index.html'), 'utf8'))
    for (const file of ['engine.js', 'service-worker.js'])
      expect((await fetch(`${address}/${file}`)).status).toBe(200)
    process.kill(-(npm.pid ?? 0), 'SIGINT')
    await ended
    expect(log.trimEnd()).toMatch(/\(Ctrl-C ends it\)$/)
    await expect(fetch(`${address}/`)).rejects.toThrow('fetch failed')
  } finally {
    if (npm.exitCode === null && npm.signalCode === null) process.kill(-(npm.pid ?? 0), 'SIGKILL')
  }
})
