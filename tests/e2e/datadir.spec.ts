import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, type Page } from '@playwright/test'
import { differences, rowsOf } from '../answers.ts'
import { troublesIn } from '../datadir.ts'
import { peer, startPrometheus } from '../peers.ts'
import { controlled } from './browser.ts'
import { startTarget } from './servers.ts'

// A whole data directory out of Chromium, on which a real Prometheus starts.

const run = promisify(execFile)
const prometheus = peer('prometheus')

test(`${prometheus.name} starts on what Chromium exports, and has every sample`, async ({ page }) => {
  test.skip(prometheus.missing, `missing: ${prometheus.name}`)
  const target = await startTarget('')
  const folder = mkdtempSync(join(tmpdir(), 'brazier-e2e-datadir-'))
  try {
    let n = 0
    target.answer(() => {
      n++
      const moving = Array.from({ length: 20 }, (_, i) => `moving{i="${i}"} ${n * (i + 1) + Math.sin(n)}\n`)
      return { body: `${moving.join('')}${n % 9 < 5 ? 'comes_and_goes 1\n' : ''}odd{v="ü"} NaN\n` }
    })
    await page.goto('./#/blocks')
    await page.evaluate(
      url => globalThis.brazier?.client.addTarget({ url, job: 'moving', intervalMs: 200 }),
      target.metrics,
    )
    await expect.poll(() => target.scrapes()).toBeGreaterThan(60)
    // Exported while scraping goes on; what is older than two seconds has been acknowledged.
    const upTo = await page.evaluate(() => Date.now() - 2000)
    const data = await exported(page, folder)
    await compare(page, data, upTo)
  } finally {
    await target.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Every sample of both, as they are stored. */
async function compare(page: Page, dataDir: string, upTo: number): Promise<void> {
  await controlled(page)
  const running = await startPrometheus({ dataDir })
  try {
    const query = new URLSearchParams({ query: '{__name__=~".+"}[1h]', time: String(upTo / 1000) })
    const path = `/api/v1/query?${query.toString()}`
    const theirs: unknown = await (await fetch(running.url + path)).json()
    const ours = await page.evaluate(async at => (await fetch(`.${at}`)).json() as Promise<unknown>, path)
    expect(rowsOf(ours).size).toBeGreaterThan(25)
    expect([...rowsOf(ours).values()].flat().length).toBeGreaterThan(1000)
    expect(differences(ours, theirs)).toEqual([])
    expect(troublesIn(running.log())).toEqual([])
  } finally {
    await running.stop()
  }
}

/** Answers the data directory in a folder. */
async function exported(page: Page, folder: string): Promise<string> {
  const { name, pieces } = await page.evaluate(async () => {
    const client = globalThis.brazier?.client
    if (!client) throw new Error('the page has no client')
    const { id, fileName } = await client.openExport({ kind: 'directory', format: 'tar.gz' })
    const pieces: string[] = []
    for (let piece = await client.readExport(id); piece; piece = await client.readExport(id))
      pieces.push(btoa(Array.from(piece, byte => String.fromCharCode(byte)).join('')))
    return { name: fileName, pieces }
  })
  const archive = join(folder, name)
  writeFileSync(archive, Buffer.concat(pieces.map(piece => Buffer.from(piece, 'base64'))))
  await run('tar', ['-xzf', archive, '-C', folder])
  return archive.replace(/\.tar\.gz$/, '')
}
