import { expect, test, type Page } from '@playwright/test'
import { differences, rowsOf } from '../answers.ts'
import { peer, startNodeExporter, startPrometheus, type RunningPeer } from '../peers.ts'
import { controlled } from './browser.ts'
import { startApp } from './promclient.ts'
import { peerSamples, storedSamples, type Sample } from './samples.ts'
import { slotSeries, startTee, type Tee } from './tee.ts'

// Long enough for a scrape on a busy machine: one that times out breaks the run of slots.
const intervalMs = 10_000
const slots = 20

/** Of every kind that the engine evaluates. The samples carry timestamps of their own, equal in both stores. */
const expressions = [
  'app_requests_total{code="200"}',
  'app_requests_total{code!="200"}',
  'app_requests_total{method=~"GET|P.+"}',
  'app_requests_total{code!~"5.."} offset 15s',
  'rate(app_requests_total[50s])',
  'increase(app_requests_total[33s])',
  'sum by (code) (rate(app_requests_total[50s]))',
  'avg without (method, instance) (app_requests_total)',
  'max(app_temperature_celsius) - min(app_temperature_celsius)',
  'count by (method) (app_requests_total > 40)',
  'app_requests_total * 2 + 1 >= bool 100',
  'rate(app_latency_seconds_sum[50s]) / rate(app_latency_seconds_count[50s])',
  '-app_temperature_celsius ^ 2 % 7',
  'app_latency_seconds_bucket{le=~"1(.0)?"} / ignoring(le) app_latency_seconds_count',
]

const programs = [peer('prometheus'), peer('prometheus-node-exporter')]
const missing = programs.filter(program => program.missing).map(({ name }) => name)

test.describe('beside a real Prometheus', () => {
  test.skip(missing.length > 0, `missing: ${missing.join(', ')}`)
  test.setTimeout(900_000)

  test('every sample of node_exporter and of a prom-client program is the same, and so are the answers', async ({
    page,
  }) => {
    const [exporter, app] = await Promise.all([startNodeExporter(), startApp()])
    const node = await startTee({ source: `${exporter.url}/metrics` })
    const stamped = await startTee({ source: app.url, stampEveryMs: intervalMs })
    const prometheus = await startPrometheus({ config: configOf({ node, app: stamped }) })
    try {
      await page.goto('./#/targets')
      await addByForm(page, node.url, 'node')
      await page.evaluate(
        ([url, interval]) => globalThis.brazier?.client.addTarget({ url, job: 'app', intervalMs: interval }),
        [stamped.url, intervalMs] as const,
      )
      const run = (job: string) => runOfSlots(page, prometheus, job)
      await expect
        .poll(async () => Math.min((await run('node')).length, (await run('app')).length), {
          // Either may have been held up, and given up a scrape.
          timeout: 600_000,
          message: 'slots one after another that both have stored',
        })
        // One more before them: after a failed scrape every series counts as added.
        .toBeGreaterThan(slots)

      await compareSamples(page, prometheus, 'node', bySlot, (await run('node')).slice(-slots))
      const common = (await run('app')).slice(-slots)
      await compareSamples(page, prometheus, 'app', byStamp, common)
      await controlled(page)
      const until = await timeOf(page, common.at(-1))
      for (const expr of expressions) await compareAnswers(page, prometheus, expr, until)
    } finally {
      await Promise.all([prometheus, node, stamped, app, exporter].map(one => one.stop()))
    }
  })
})

function configOf(jobs: Record<string, Tee>): string {
  const scrapes = Object.entries(jobs).map(([job, { url }]) => {
    return `  - job_name: ${job}\n    static_configs: [{targets: ['${new URL(url).host}']}]\n`
  })
  return `global:\n  scrape_interval: ${intervalMs}ms\n  scrape_timeout: ${intervalMs}ms\nscrape_configs:\n${scrapes.join('')}`
}

async function addByForm(page: Page, url: string, job: string): Promise<void> {
  await page.getByLabel('Address').fill(url)
  await page.getByLabel('Job').fill(job)
  await page.getByLabel('Interval').fill(`${intervalMs / 1000}s`)
  await page.getByRole('button', { name: 'Add target' }).click()
  await expect(page.getByRole('link', { name: url })).toBeVisible()
}

/** The longest run of slots, one after another, that both have stored; the newest of several. */
async function runOfSlots(page: Page, prometheus: RunningPeer, job: string): Promise<number[]> {
  const expr = `${slotSeries}{job="${job}"}[1h]`
  const [ours, theirs] = await Promise.all([
    storedSamples(page, expr, Date.now()),
    peerSamples(prometheus.url, expr, Date.now()),
  ])
  const there = new Set(theirs.map(([, , v]) => Number(v)))
  const common = ours.map(([, , v]) => Number(v)).filter(slot => there.has(slot))
  let best: number[] = []
  let run: number[] = []
  for (const slot of common) {
    run = slot - 1 === run.at(-1) ? [...run, slot] : [slot]
    if (run.length >= best.length) best = run
  }
  return best
}

type Keyed = Map<string, string>

/** Samples by series and slot: the series `slotSeries` tells which slot was scraped at which time. */
function bySlot(samples: readonly Sample[], wanted: ReadonlySet<number>): Keyed {
  const slotAt = slotsOf(samples)
  return keyed(samples, ([series, t]) => {
    const slot = slotAt.get(t)
    return slot !== undefined && wanted.has(slot) ? `${series} ${slot}` : null
  })
}

/** Samples by series and their own timestamp; what the scraper adds has none and is left out. */
function byStamp(samples: readonly Sample[], wanted: ReadonlySet<number>): Keyed {
  const slotAt = slotsOf(samples)
  return keyed(samples, ([series, t]) => {
    const slot = slotAt.get(t)
    return slot !== undefined && wanted.has(slot) && !isSynthetic(series) ? `${series} ${t}` : null
  })
}

function slotsOf(samples: readonly Sample[]): Map<number, number> {
  const told = samples.filter(([series]) => series.includes(`"${slotSeries}"`))
  return new Map(told.map(([, t, v]) => [t, Number(v)]))
}

function keyed(samples: readonly Sample[], keyOf: (sample: Sample) => string | null): Keyed {
  const map: Keyed = new Map()
  for (const sample of samples) {
    const key = keyOf(sample)
    // How long a scrape took is each scraper's own affair.
    if (key !== null && !key.includes('"scrape_duration_seconds"')) map.set(key, sample[2])
  }
  return map
}

function isSynthetic(series: string): boolean {
  return /"__name__","(up|scrape_\w+)"/.test(series)
}

async function compareSamples(
  page: Page,
  prometheus: RunningPeer,
  job: string,
  key: typeof bySlot,
  wanted: readonly number[],
): Promise<void> {
  expect(wanted).toHaveLength(slots)
  const now = Date.now()
  const expr = `{job="${job}"}[1h]`
  const ours = key(await storedSamples(page, expr, now), new Set(wanted))
  const theirs = key(await peerSamples(prometheus.url, expr, now), new Set(wanted))
  const different = [...new Set([...ours.keys(), ...theirs.keys()])].filter(
    at => ours.get(at) !== theirs.get(at),
  )
  const none = 'none'
  expect(different.map(at => `${at}: ${ours.get(at) ?? none} here, ${theirs.get(at) ?? none} there`)).toEqual(
    [],
  )
  // Neither an empty store nor one with a few series would be a comparison.
  expect(ours.size).toBeGreaterThan(slots * (job === 'node' ? 200 : 15))
}

/** Both by the HTTP API, ours through the Service Worker. */
async function compareAnswers(
  page: Page,
  prometheus: RunningPeer,
  expr: string,
  until: number,
): Promise<void> {
  const path = rangeQuery(expr, until)
  const ours = await page.evaluate(async url => (await fetch(`.${url}`)).json() as Promise<unknown>, path)
  const theirs: unknown = await (await fetch(prometheus.url + path)).json()
  expect(rowsOf(ours).size, expr).toBeGreaterThan(0)
  expect(differences(ours, theirs), expr).toEqual([])
}

/** The timestamp of a slot of the stamped job. */
async function timeOf(page: Page, slot: number | undefined): Promise<number> {
  const samples = await storedSamples(page, `${slotSeries}{job="app"}[1h]`, Date.now())
  const found = samples.find(([, , v]) => Number(v) === slot)
  if (!found) throw new Error(`slot ${slot ?? 'none'} is not in the store`)
  return found[1]
}

/** At times that no sample hits, however a range or the lookback moves it: 2.42 takes the left end of a range in,
 *  3.x does not. */
function rangeQuery(expr: string, until: number): string {
  const end = until + 701
  const params = { query: expr, start: `${(end - 36_000) / 1000}`, end: `${end / 1000}`, step: '1' }
  return `/api/v1/query_range?${new URLSearchParams(params).toString()}`
}
