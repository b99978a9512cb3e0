import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, type Page } from '@playwright/test'
import { differences, rowsOf } from '../answers.ts'
import { blockQueries, rangePath, wholeBlock, type Window } from '../blockqueries.ts'
import { createBlocks } from '../blocks.ts'
import { peer, startPrometheus } from '../peers.ts'
import { controlled } from './browser.ts'
import { startTarget } from './servers.ts'

// Blocks between Chromium and real Prometheus, in both directions.

const run = promisify(execFile)
const programs = [peer('prometheus'), peer('promtool')]
const missing = programs.filter(program => program.missing).map(({ name }) => name)

function ask(page: Page, url: string): Promise<unknown> {
  return page.evaluate(async at => (await fetch(`.${at}`)).json() as Promise<unknown>, url)
}

/** Every expression by the HTTP API of the page and of a real Prometheus on a folder of blocks. */
async function compare(
  page: Page,
  dataDir: string,
  expressions: readonly string[],
  window: Window,
): Promise<void> {
  await controlled(page)
  const prometheus = await startPrometheus({ dataDir })
  try {
    for (const expr of expressions) {
      const url = rangePath(expr, window)
      const theirs: unknown = await (await fetch(prometheus.url + url)).json()
      const ours = await ask(page, url)
      expect(rowsOf(ours).size, expr).toBeGreaterThan(0)
      expect(differences(ours, theirs), expr).toEqual([])
    }
  } finally {
    await prometheus.stop()
  }
}

function temporary(): string {
  return mkdtempSync(join(tmpdir(), 'brazier-e2e-blocks-'))
}

const scraped = [
  'moving',
  'moving{i=~"1.*"}',
  'moving{i!~"1.*"} offset 1s',
  'rate(moving[3s])',
  'increase(moving[2s])',
  'sum(moving)',
  'avg by (job) (moving)',
  'max(moving) - min(moving)',
  'count by (i) (moving > 5)',
  'steady * 2 >= bool 6',
  'moving % 3',
  'up + scrape_samples_scraped',
  '-steady ^ 2',
]

test.describe('beside real Prometheus', () => {
  test.skip(missing.length > 0, `missing: ${missing.join(', ')}`)

  test('promtool and Prometheus open what Chromium exports, and answer the same', async ({ page }) => {
    const target = await startTarget('')
    const folder = temporary()
    try {
      let n = 0
      target.answer(() => {
        n++
        const moving = Array.from({ length: 20 }, (_, i) => `moving{i="${i}"} ${n * (i + 1) + Math.sin(n)}\n`)
        return { body: `${moving.join('')}steady ${n < 30 ? 3 : 4}\nodd{v="ü"} NaN\n` }
      })
      await page.goto('./#/blocks')
      await page.evaluate(
        url => globalThis.brazier?.client.addTarget({ url, job: 'moving', intervalMs: 200 }),
        target.metrics,
      )
      await expect.poll(() => target.scrapes()).toBeGreaterThan(60)
      // Exported while scraping goes on.
      await page.getByLabel('Format').last().selectOption('tar.gz')
      const download = page.waitForEvent('download')
      await page
        .getByRole('region', { name: 'Export', exact: true })
        .getByRole('button', { name: 'Export' })
        .click()
      const archive = join(folder, 'blocks.tar.gz')
      await (await download).saveAs(archive)
      const data = join(folder, 'data')
      mkdirSync(data)
      await run('tar', ['-xzf', archive, '-C', data])

      const list = await run(peer('promtool').path(), ['tsdb', 'list', data])
      const [, ulid = '', minT = '', maxT = ''] = /^([0-9A-Z]{26})\s+(\d+)\s+(\d+)/m.exec(list.stdout) ?? []
      const { compaction } = JSON.parse(readFileSync(join(data, ulid, 'meta.json'), 'utf8')) as {
        compaction: { level: number }
      }
      expect(compaction.level).toBe(1)
      const analysis = await run(peer('promtool').path(), ['tsdb', 'analyze', data, ulid])
      expect(analysis.stdout).toContain(`Block ID: ${ulid}`)
      expect(analysis.stdout).toMatch(/Series: [1-9]/)

      const off = await timeBetweenSamples(page)
      const end = Number(maxT) - 1
      expect(end - Number(minT)).toBeGreaterThan(8000)
      const start = Math.ceil((end - 8000) / 200) * 200 + off
      await compare(page, data, scraped, { start, end, step: 200 })
    } finally {
      await target.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('what promtool made is taken in by a drop, and answers as in Prometheus', async ({ page }) => {
    const folder = temporary()
    try {
      const made = await createBlocks()
      const archive = join(folder, 'made.tar.gz')
      await run('tar', ['-czf', archive, '-C', made, '.'])
      await page.goto('./#/blocks')
      await dropArchive(page, archive)
      await expect(page.getByText('1 block imported')).toBeVisible()
      const data = join(folder, 'data')
      cpSync(made, data, { recursive: true })
      await compare(page, data, blockQueries, wholeBlock)

      // Once more, as a folder: nothing is there twice.
      await page.getByLabel('Choose a folder', { exact: true }).last().setInputFiles(made)
      await expect(page.getByText('1 was there already')).toBeVisible()

      await page.reload()
      const block = page.getByRole('article')
      await expect(block).toHaveCount(1)
      await block.getByRole('link', { name: /^Query only/ }).click()
      await expect(page).toHaveURL(/#\/query\?.*block=/)

      await page.goto('./#/blocks')
      await block.getByRole('button', { name: /^Delete/ }).click()
      await block.getByRole('button', { name: 'Delete', exact: true }).click()
      await expect(page.getByText('No blocks yet.')).toBeVisible()
      expect(rowsOf(await ask(page, rangePath('up{job="web"}', wholeBlock))).size).toBe(0)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

test('a damaged archive is refused with its place, and nothing of it stays', async ({ page }) => {
  test.skip(peer('promtool').missing, 'missing: promtool')
  const folder = temporary()
  try {
    const made = join(folder, 'made')
    cpSync(await createBlocks(), made, { recursive: true })
    const archive = join(folder, 'damaged.tar')
    await run('tar', ['-cf', archive, '-C', made, '.'])
    const bytes = readFileSync(archive)
    // Within the chunks, which are by far the largest part.
    const at = bytes.length >> 1
    bytes[at] = (bytes[at] as number) ^ 0x10
    await page.goto('./#/blocks')
    await page.getByLabel('Choose files', { exact: true }).last().setInputFiles({
      name: 'damaged.tar',
      mimeType: 'application/x-tar',
      buffer: bytes,
    })
    await expect(page.getByText('damaged.tar was not imported.')).toBeVisible()
    await expect(page.getByText(/chunks\/000001.*at byte \d+/)).toBeVisible()
    await expect(page.getByText('No blocks yet.')).toBeVisible()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

async function dropArchive(page: Page, file: string): Promise<void> {
  const bytes = readFileSync(file).toString('base64')
  const transfer = await page.evaluateHandle(text => {
    const made = Uint8Array.from(atob(text), char => char.charCodeAt(0))
    const dropped = new DataTransfer()
    dropped.items.add(new File([made], 'made.tar.gz'))
    return dropped
  }, bytes)
  await page.dispatchEvent('main', 'dragover', { dataTransfer: transfer })
  await expect(page.getByText('Drop to import')).toBeVisible()
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer })
}

/** Milliseconds within the interval of 200 at which there never was a sample. */
async function timeBetweenSamples(page: Page): Promise<number> {
  const taken = await page.evaluate(async () => {
    const answer = await globalThis.brazier?.client.query({ expr: '{__name__!=""}[1h]', time: Date.now() })
    if (answer?.kind !== 'samples') throw new Error('want samples')
    return [...new Set([...answer.t].map(t => t % 200))]
  })
  const free = Array.from({ length: 200 }, (_, i) => i).find(i => !taken.includes(i))
  if (free === undefined) throw new Error('there were samples at every millisecond')
  return free
}
