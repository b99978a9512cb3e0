import { expect, test, type Browser, type Page } from '@playwright/test'
import type { EngineStatus } from '../../src/engine/api/service.ts'
import { Chromium, controlled, WorkerProbe } from './browser.ts'
import { releaseFolder } from './releases.ts'
import { startHold, startSite, type Site } from './servers.ts'

// Where the engine lives, and that there is always one and never two.

/** Asks the page's engine; fails instead of waiting for ever. */
function statusOf(page: Page): Promise<EngineStatus> {
  return page.evaluate(async () => {
    const client = globalThis.brazier?.client
    if (!client) throw new Error('the page has no client yet')
    const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('no answer')), 15_000))
    return Promise.race([client.status(), late])
  })
}

/** The engine that the page is tied to; empty while there is none, or while the page is loading. */
function engineOf(page: Page): Promise<string> {
  return statusOf(page).then(
    ({ engineId }) => engineId,
    () => '',
  )
}

/** The engine of a page that has just been opened. */
async function openedEngine(page: Page): Promise<string> {
  await expect.poll(() => engineOf(page)).not.toBe('')
  return engineOf(page)
}

async function nextEngine(page: Page, before: string): Promise<string> {
  const changed = async () => ![before, ''].includes(await engineOf(page))
  await expect.poll(changed, { message: 'another engine answers' }).toBe(true)
  return engineOf(page)
}

function probe(browser: Browser, page: Page): Promise<WorkerProbe> {
  return WorkerProbe.attach(browser, new URL('engine.js', page.url()).href)
}

async function api(page: Page, path: string): Promise<{ status: number; body: unknown }> {
  return page.evaluate(async url => {
    const response = await fetch(url)
    return { status: response.status, body: (await response.json()) as unknown }
  }, path)
}

const one = 'api/v1/query?query=1%2B1'

test.describe('one engine', () => {
  test('serves two tabs, and goes on when the first one is closed @anywhere', async ({ context }) => {
    const [a, b] = [await context.newPage(), await context.newPage()]
    await a.goto('./')
    const engine = await openedEngine(a)
    await b.goto('./')
    expect(await openedEngine(b)).toBe(engine)
    expect((await statusOf(b)).host).toBe('shared')
    await a.close()
    expect(await engineOf(b)).toBe(engine)
  })

  test('outlives a reload of the only tab', async ({ page }) => {
    await page.goto('./')
    const engine = await openedEngine(page)
    await page.reload()
    expect(await openedEngine(page)).toBe(engine)
  })

  test('follows one that was ended, in every tab', async ({ context, browser }) => {
    const [a, b] = [await context.newPage(), await context.newPage()]
    await a.goto('./')
    const engine = await openedEngine(a)
    await b.goto('./')
    await openedEngine(b)
    const worker = await probe(browser, a)
    await worker.end()
    const next = await nextEngine(a, engine)
    expect(await nextEngine(b, engine)).toBe(next)
  })

  test('follows one whose tab has crashed', async ({ context }) => {
    const [a, b] = [await context.newPage(), await context.newPage()]
    await a.goto('./')
    const engine = await openedEngine(a)
    await b.goto('./')
    expect(await openedEngine(b)).toBe(engine)
    const cdp = await context.newCDPSession(a)
    // The answer to this never comes.
    void cdp.send('Page.crash').catch(() => undefined)
    await nextEngine(b, engine)
  })

  test('follows one that hangs; when it wakes it writes nothing and goes', async ({ page, browser }) => {
    await page.goto('./')
    const engine = await openedEngine(page)
    const worker = await probe(browser, page)
    const hold = await startHold()
    try {
      const wakes = worker.evaluate(`{
        const request = new XMLHttpRequest()
        request.open('GET', '${hold.url}', false)
        request.send()
      }`)
      // It may be gone before it can say that it woke.
      wakes.catch(() => undefined)
      const next = await nextEngine(page, engine)
      hold.release()
      // Time enough to do harm if it could.
      await page.waitForTimeout(5000)
      const status = await statusOf(page)
      expect(status.engineId).toBe(next)
      expect(status.notices).toEqual([])
    } finally {
      await Promise.all([worker.detach(), hold.stop()])
    }
  })
})

test.describe('without SharedWorker', () => {
  test('the first tab hosts the engine for all; when it is closed another one does', async ({ context }) => {
    const [a, b] = [await context.newPage(), await context.newPage()]
    await a.goto('./?host=dedicated')
    const engine = await openedEngine(a)
    await b.goto('./?host=dedicated')
    expect(await openedEngine(b)).toBe(engine)
    expect((await statusOf(b)).host).toBe('dedicated')
    await a.close()
    const next = await nextEngine(b, engine)
    const c = await context.newPage()
    await c.goto('./?host=dedicated')
    expect(await openedEngine(c)).toBe(next)
  })

  test('the API answers from every tab', async ({ context }) => {
    const [a, b] = [await context.newPage(), await context.newPage()]
    await a.goto('./?host=dedicated')
    await openedEngine(a)
    await b.goto('./?host=dedicated')
    await openedEngine(b)
    for (const page of [a, b]) {
      await controlled(page)
      expect((await api(page, one)).status).toBe(200)
    }
  })

  test('a tab of the other kind finds the engine all the same', async ({ context }) => {
    const [a, b] = [await context.newPage(), await context.newPage()]
    await a.goto('./?host=dedicated')
    const engine = await openedEngine(a)
    await b.goto('./')
    expect(await openedEngine(b)).toBe(engine)
    await a.close()
    await nextEngine(b, engine)
    expect((await statusOf(b)).host).toBe('shared')
  })

  test('a host that enters the back/forward cache hands over, and comes back as a guest', async ({
    baseURL,
  }) => {
    const url = new URL('./?host=dedicated', baseURL).href
    // On a busy machine the page may take too long to freeze for Chromium, which then drops it.
    let reasons = ['TimeoutPuttingInCache']
    for (let attempt = 0; attempt < 5 && reasons.includes('TimeoutPuttingInCache'); attempt++) {
      const chromium = await Chromium.start()
      try {
        reasons = await thereAndBack(chromium, url)
      } finally {
        await chromium.stop()
      }
    }
    expect(reasons).toEqual([])
  })
})

/** A tab that hosts the engine is left for another page and comes back. Answers why Chromium did not keep the page
 *  meanwhile; otherwise it has been seen that another tab took over, and is host from then on. */
async function thereAndBack(chromium: Chromium, url: string): Promise<string[]> {
  const [a, b] = [await chromium.newPage(), await chromium.newPage()]
  await a.goto(url)
  const engine = await openedEngine(a)
  // A Service Worker that claims a page drops it from the cache.
  await controlled(a)
  await a.evaluate(() => {
    window.addEventListener('pageshow', ({ persisted }) => (document.title = `persisted: ${persisted}`))
  })
  await b.goto(url)
  expect(await openedEngine(b)).toBe(engine)
  await a.goto('about:blank')
  const next = await nextEngine(b, engine)
  // Playwright waits for the load of a page that is not loaded but thawed.
  const cdp = await chromium.context.newCDPSession(a)
  const reasons: string[] = []
  await cdp.send('Page.enable')
  cdp.on('Page.backForwardCacheNotUsed', ({ notRestoredExplanations }) => {
    reasons.push(...notRestoredExplanations.map(({ reason }) => reason))
  })
  // While one page is exchanged for the other a question may meet neither: an error, or no answer at all.
  const inA = (expression: string): Promise<unknown> =>
    Promise.race([
      cdp.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true }).then(
        ({ result }) => result.value as unknown,
        () => undefined,
      ),
      b.waitForTimeout(5000),
    ])
  await inA('setTimeout(() => history.back())')
  await expect
    .poll(async () => reasons.length > 0 || (await inA('document.title')) === 'persisted: true')
    .toBe(true)
  if (reasons.length > 0) return reasons
  await expect.poll(() => inA('brazier.client.status().then(({ engineId }) => engineId)')).toBe(next)
  return []
}

test.describe('the HTTP API', () => {
  test('answers a page that has none of our code; without an engine it says so @anywhere', async ({
    context,
    browser,
  }) => {
    const [a, bare] = [await context.newPage(), await context.newPage()]
    await a.goto('./')
    await openedEngine(a)
    await controlled(a)
    await bare.goto('./icon.svg')
    expect(await api(bare, one)).toMatchObject({
      status: 200,
      body: { status: 'success', data: { resultType: 'scalar', result: [expect.any(Number), '2'] } },
    })
    expect(await api(bare, 'api/v1/query?query=(')).toMatchObject({
      status: 400,
      body: { status: 'error', errorType: 'bad_data' },
    })
    const worker = await probe(browser, a)
    await a.close()
    await worker.end()
    const gone = { status: 'error', errorType: 'unavailable', error: 'no engine runs: open the page' }
    await expect.poll(() => api(bare, one)).toEqual({ status: 503, body: gone })
  })

  test('answers POST, and metrics of the engine', async ({ page }) => {
    await page.goto('./')
    await openedEngine(page)
    await controlled(page)
    const [posted, metrics] = await page.evaluate(async () => {
      const body = new URLSearchParams({ query: '6*7' })
      const response = await fetch('api/v1/query', { method: 'POST', body })
      return [await response.text(), await (await fetch('metrics')).text()] as const
    })
    expect(posted).toContain('"42"')
    expect(metrics).toContain('\nprometheus_tsdb_head_series ')
  })
})

/** The build that a page was made of, told by the engine's script. */
async function buildOf(page: Page): Promise<number> {
  return (await statusOf(page)).build
}

test.describe('a new release', () => {
  let site: Site
  test.beforeEach(async () => {
    site = await startSite({ root: releaseFolder('older'), base: '/x/' })
  })
  test.afterEach(() => site.stop())

  const handOver = async (a: Page, b: Page) => {
    await expect.poll(() => buildOf(b).catch(() => 0), { timeout: 120_000 }).toBe(1001)
    await expect.poll(() => buildOf(a).catch(() => 0), { timeout: 120_000 }).toBe(1001)
    expect(await engineOf(a)).toBe(await engineOf(b))
  }

  test('takes over through the Service Worker, and every tab is loaded anew', async ({ context }) => {
    const a = await context.newPage()
    await a.goto(site.url)
    expect(await openedEngine(a)).not.toBe('')
    expect(await buildOf(a)).toBe(1000)
    await controlled(a)
    site.deploy(releaseFolder('newer'))
    const b = await context.newPage()
    await b.goto(site.url)
    await handOver(a, b)
  })

  test('takes over without a Service Worker, too', async ({ browser }) => {
    const context = await browser.newContext({ serviceWorkers: 'block' })
    const a = await context.newPage()
    await a.goto(site.url)
    await openedEngine(a)
    expect(await buildOf(a)).toBe(1000)
    site.deploy(releaseFolder('newer'))
    const b = await context.newPage()
    await b.goto(site.url)
    // What the host lets browsers keep is not asked for again before.
    await b.reload()
    await handOver(a, b)
    await context.close()
  })

  test('is not undone by a tab whose host still serves the old page: it says that it is outdated', async ({
    browser,
  }) => {
    const context = await browser.newContext({ serviceWorkers: 'block' })
    const a = await context.newPage()
    site.deploy(releaseFolder('newer'))
    await a.goto(site.url)
    const engine = await openedEngine(a)
    site.deploy(releaseFolder('older'))
    const b = await context.newPage()
    const loads: string[] = []
    b.on('load', () => loads.push('load'))
    await b.goto(`${site.url}?fresh`)
    const state = () =>
      b.evaluate(() => {
        let now = ''
        globalThis.brazier?.client.watch(connection => (now = connection.state))()
        return now
      })
    await expect.poll(() => state().catch(() => '')).toBe('outdated')
    await expect.poll(() => loads.length).toBe(2)
    await b.waitForTimeout(1000)
    expect(loads.length).toBe(2)
    expect(await engineOf(a)).toBe(engine)
    await context.close()
  })
})

test('after the first visit the page opens without its server, and queries', async ({ page, browser }) => {
  const site = await startSite({ base: '/x/' })
  await page.goto(site.url)
  const engine = await openedEngine(page)
  await controlled(page)
  await site.stop()
  await page.reload()
  expect(await openedEngine(page)).toBe(engine)
  // The engine's script is there, too.
  const worker = await probe(browser, page)
  await worker.end()
  await nextEngine(page, engine)
  expect((await api(page, one)).status).toBe(200)
  await page.goto(`${site.url}?host=dedicated#/targets`)
  await openedEngine(page)
})
