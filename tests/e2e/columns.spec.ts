import { expect, test } from '@playwright/test'
import { WorkerProbe } from './browser.ts'
import { startTarget } from './servers.ts'

const series = 1000

interface Node {
  readonly callFrame: { readonly functionName: string }
  readonly selfSize: number
  readonly children: readonly Node[]
}

function allocated(node: Node): number {
  return node.selfSize + node.children.reduce((sum, child) => sum + allocated(child), 0)
}

test('a range query over a thousand series makes no object per sample or step, and its columns are transferred', async ({
  browser,
  page,
}) => {
  const body = Array.from({ length: series }, (_, i) => `wide_total{i="${i}"} ${i}\n`).join('')
  const target = await startTarget(body)
  try {
    await page.goto('./#/targets')
    await page.waitForFunction(() => globalThis.brazier !== undefined)
    await page.evaluate(
      url => globalThis.brazier?.client.addTarget({ url, job: 'wide', intervalMs: 1000 }),
      target.metrics,
    )
    await expect.poll(() => target.scrapes()).toBeGreaterThan(8)
    const start = await page.evaluate(() => Date.now() - 4000)
    // What a scrape allocates would be counted, too.
    await page.evaluate(async url => {
      const client = globalThis.brazier?.client
      const wide = (await client?.targets())?.find(target => target.url === url)
      await client?.removeTarget(wide?.id ?? '')
    }, target.metrics)
    const worker = await WorkerProbe.attach(browser, new URL('engine.js', page.url()).href)

    /** Bytes of objects that a query allocates in the engine, those that are gone by the end included. */
    const bytesOf = async (expr: string, steps: number) => {
      await worker.send('HeapProfiler.collectGarbage')
      await worker.send('HeapProfiler.startSampling', {
        samplingInterval: 512,
        includeObjectsCollectedByMajorGC: true,
        includeObjectsCollectedByMinorGC: true,
      })
      const answer = await page.evaluate(
        async ([query, from, count]) => {
          const range = { expr: query, start: from, end: from + (count - 1) * 2, step: 2 }
          const result = await globalThis.brazier?.client.queryRange(range)
          if (!result) throw new Error('no engine')
          const { labels, values, present } = result
          return {
            rows: labels.length,
            cells: values.length,
            present: present.reduce((sum, one) => sum + one, 0),
          }
        },
        [expr, start, steps] as const,
      )
      const { profile } = (await worker.send('HeapProfiler.stopSampling')) as { profile: { head: Node } }
      expect(answer).toEqual({ rows: series, cells: series * steps, present: series * steps })
      return allocated(profile.head)
    }

    for (const expr of ['wide_total', 'rate(wide_total[30s]) * 2']) {
      // Until code is compiled, which happens beside and when there is time, it makes an object of each number.
      let perCell = Infinity
      for (let run = 0; run < 12 && perCell >= 0.5; run++) {
        const few = await bytesOf(expr, 10)
        const many = await bytesOf(expr, 1000)
        // An object of the smallest size for each of 990,000 further cells would be 12 MB.
        perCell = (many - few) / (series * 990)
        test.info().annotations.push({
          type: expr,
          description: `${few} B, ${many} B, ${perCell.toFixed(3)} B a cell`,
        })
      }
      expect(perCell, expr).toBeLessThan(0.5)
    }

    await worker.evaluate(`{
      const post = MessagePort.prototype.postMessage
      MessagePort.prototype.postMessage = function (message, transfer = []) {
        const list = Array.isArray(transfer) ? transfer : transfer.transfer ?? []
        const before = list.map(one => one.byteLength)
        post.call(this, message, transfer)
        if (list.length) globalThis.transferred = list.map((one, i) => [before[i], one.byteLength])
      }
      true
    }`)
    await bytesOf('wide_total', 1000)
    const transferred = await worker.evaluate<[number, number][]>('globalThis.transferred')
    // Their bytes have left the worker.
    expect(transferred).toEqual([
      [series * 1000 * 8, 0],
      [series * 1000, 0],
    ])
  } finally {
    await target.stop()
  }
})
