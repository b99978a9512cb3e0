import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test, type Page } from '@playwright/test'
import { peer, startNodeExporter } from '../peers.ts'
import { startTarget } from './servers.ts'

// Targets that let no page read them, through the server that serves the page.

const exporter = peer('prometheus-node-exporter')

/** Answers of an instant query, series by series. */
function values(page: Page, expr: string): Promise<number[]> {
  return page.evaluate(async expr => {
    const answer = await globalThis.brazier?.client.query({ expr, time: Date.now() })
    return answer?.kind === 'vector' ? [...answer.values] : []
  }, expr)
}

async function addTarget(page: Page, url: string, job: string): Promise<void> {
  await page.getByLabel('Address').fill(url)
  await page.getByLabel('Job').fill(job)
  await page.getByLabel('Interval').fill('1s')
  await page.getByRole('button', { name: 'Add target' }).click()
}

const through = 'Scrape it through this page’s server'

test(`a ${exporter.name} that allows no page is scraped through the server, and directly again`, async ({
  page,
}) => {
  test.skip(exporter.missing, `${exporter.name} is missing`)
  const running = await startNodeExporter()
  try {
    const url = `${running.url}/metrics`
    const up = () => values(page, `up{job="machine", instance="${new URL(url).host}"}`)
    await page.goto('./#/targets')
    await addTarget(page, url, 'machine')
    const target = page.getByRole('article', { name: url })
    await expect(target.getByText('Access-Control-Allow-Origin: *', { exact: true })).toBeVisible()
    expect(await up()).toEqual([0])

    await target.getByRole('button', { name: through }).press('Enter')
    await expect(target.getByText('Up', { exact: true })).toBeVisible()
    await expect(target.getByText('through this page’s server')).toBeVisible()
    await expect(target.getByRole('region', { name: 'What to do' })).toBeHidden()
    expect(await up()).toEqual([1])
    expect(await values(page, 'node_exporter_build_info{job="machine"}')).toEqual([1])

    await target.getByRole('button', { name: `Scrape ${url} directly again` }).press('Enter')
    await expect(target.getByText('Down', { exact: true })).toBeVisible()
    await expect(target.getByText('through this page’s server', { exact: true })).toBeHidden()
    await expect(target.getByRole('button', { name: through })).toBeVisible()
    expect(await up()).toEqual([0])
  } finally {
    await running.stop()
  }
})

test('a target that is not there says so through the server, too', async ({ page }) => {
  const target = await startTarget('a 1\n', { cors: false })
  try {
    await page.goto('./#/targets')
    await addTarget(page, target.metrics, 'mine')
    await page.getByRole('button', { name: through }).click()
    await expect.poll(() => values(page, 'up{job="mine"}')).toEqual([1])
    await target.stop()
    const shown = page.getByRole('article', { name: target.metrics })
    await expect(shown.getByText('through the server of this page: connect ECONNREFUSED')).toBeVisible()
    await expect(shown.getByText(`Nothing answers at ${new URL(target.url).host}`)).toBeVisible()
  } finally {
    await target.stop()
  }
})

test('the server is offered where there is one, and nowhere else @anywhere', async ({ page }, info) => {
  const target = await startTarget('a 1\n', { cors: false })
  try {
    await page.goto('./#/targets')
    await addTarget(page, target.metrics, 'mine')
    await expect(page.getByText('Access-Control-Allow-Origin: *', { exact: true })).toBeVisible()
    const isSidecar = info.project.name === 'e2e'
    await expect(page.getByRole('button', { name: through })).toHaveCount(isSidecar ? 1 : 0)
    await expect(page.getByText('open this page from npm start')).toHaveCount(isSidecar ? 0 : 1)
  } finally {
    await target.stop()
  }
})

/** A server that answers, and while it is told to hold, answers nobody. */
async function startSlow() {
  const waiting = new Set<ServerResponse>()
  let ended = 0
  let holding = false
  const answer = (response: ServerResponse) => response.end('slow 1\n')
  const server = createServer((_, response) => {
    if (!holding) return void answer(response)
    waiting.add(response)
    response.once('close', () => {
      waiting.delete(response)
      ended++
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waiting: () => waiting.size,
    ended: () => ended,
    hold: () => (holding = true),
    release() {
      holding = false
      for (const response of waiting) answer(response)
    },
    stop() {
      server.close()
      server.closeAllConnections()
    },
  }
}

test('twenty slow targets leave the page its connections', async ({ page }) => {
  const slow = await startSlow()
  try {
    await page.goto('./#/targets')
    await expect.poll(() => values(page, 'up{job="brazier"}')).toEqual([1])
    await page.evaluate(async origin => {
      const client = globalThis.brazier?.client
      for (let i = 0; i < 20; i++) {
        const job = `slow${i}`
        await client?.addTarget({ url: `${origin}/${job}`, job, intervalMs: 10_000 })
        const added = (await client?.targets())?.find(target => target.job === job)
        if (added) await client?.setProxied(added.id, true)
      }
    }, slow.url)
    const up = () => values(page, 'sum(up{job=~"slow.*"})')
    await expect.poll(up).toEqual([20])

    slow.hold()
    // Half of them come in half an interval: more than a browser has connections.
    await page.waitForTimeout(5000)
    // Their requests end at their timeouts, and others take their places. In a round in which none does, whoever is
    // answered, page or engine, did not have to wait for any of them.
    await expect(async () => {
      const before = slow.ended()
      await expect.poll(slow.waiting).toBeGreaterThanOrEqual(3)
      const [statuses, diagnosis] = await page.evaluate(async () => {
        const client = globalThis.brazier?.client
        const ask = (_: unknown, i: number) => fetch(`sidecar/metrics?${i}`, { cache: 'no-store' })
        const answers = await Promise.all(Array.from({ length: 12 }, ask))
        const sidecar = (await client?.targets())?.find(({ job }) => job === 'sidecar')
        return [answers.map(({ status }) => status), await client?.diagnose(sidecar?.id ?? '')] as const
      })
      expect(new Set(statuses)).toEqual(new Set([200]))
      expect(diagnosis).toEqual({ kind: 'readable' })
      expect(slow.waiting()).toBe(3)
      expect(slow.ended()).toBe(before)
    }).toPass({ timeout: 120_000 })

    slow.release()
    await expect.poll(up).toEqual([20])
  } finally {
    slow.stop()
  }
})
