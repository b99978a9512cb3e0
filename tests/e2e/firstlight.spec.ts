import { expect, test, type Page } from '@playwright/test'
import { complaintsOf } from './browser.ts'
import { FairClock } from './pace.ts'
import { startTarget } from './servers.ts'

// What somebody sees who opens Brazier for the first time.

/** A number for the pixels of the graph, another one after any change of them. */
function drawn(page: Page): Promise<number> {
  return page
    .locator('canvas')
    .evaluate(canvas =>
      Array.from((canvas as HTMLCanvasElement).toDataURL()).reduce(
        (sum, char) => (Math.imul(sum, 31) + char.charCodeAt(0)) | 0,
        0,
      ),
    )
}

/** Answers of an instant query, series by series. */
function values(page: Page, expr: string): Promise<number[]> {
  return page.evaluate(async expr => {
    const answer = await globalThis.brazier?.client.query({ expr, time: Date.now() })
    return answer?.kind === 'vector' ? [...answer.values] : []
  }, expr)
}

test.use({ viewport: { width: 1280, height: 800 } })

test('a graph of real samples moves within 20 s of opening the page @anywhere', async ({ page }, info) => {
  const complaints = complaintsOf(page)
  // The time counts from a browser that is running.
  await page.goto('about:blank')
  const clock = new FairClock()
  await page.goto('./')
  const graph = page.getByRole('img', { name: /^Graph of 1 series/ })
  await clock.until('a graph', 20_000, () => graph.isVisible())
  const first = await drawn(page)
  await clock.until('a graph that moves', 20_000, async () => (await drawn(page)) !== first)
  clock.stop()
  info.annotations.push({ type: 'moved after', description: clock.told })

  expect(await values(page, 'prometheus_tsdb_head_samples_appended_total > 0')).toHaveLength(1)
  expect(complaints).toEqual([])
  // UPDATE=1 lets a minute of samples come together and makes the picture of the README.
  const update = process.env['UPDATE'] !== undefined && info.project.name === 'e2e'
  if (update) await page.waitForTimeout(75_000)
  await page.screenshot({ path: update ? 'docs/screenshot.png' : info.outputPath('page.png') })
})

test('with nothing configured the engine and the server that came with it are watched', async ({ page }) => {
  await page.goto('./')
  await expect.poll(() => values(page, 'up == 1')).toEqual([1, 1])
  expect(await values(page, 'process_resident_memory_bytes{job="sidecar"} > 1e6')).toHaveLength(1)
})

test('a target that may not be read is told apart from one that is down', async ({ page }) => {
  const shut = await startTarget('a 1\n', { cors: false })
  const gone = await startTarget('a 1\n')
  await gone.stop()
  try {
    await page.goto('./#/targets')
    for (const url of [shut.metrics, gone.metrics]) {
      await page.getByLabel('Address').fill(url)
      await page.getByLabel('Job').fill('mine')
      await page.getByLabel('Interval').fill('1s')
      await page.getByRole('button', { name: 'Add target' }).click()
      await expect(page.getByRole('link', { name: url })).toBeVisible()
    }
    await expect(page.getByText('Access-Control-Allow-Origin').first()).toBeVisible()
    await expect(page.getByText(`Nothing answers at ${new URL(gone.url).host}`)).toBeVisible()
    expect(await values(page, 'up{job="mine"}')).toEqual([0, 0])
  } finally {
    await shut.stop()
  }
})
