import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { parseConfig } from '../../../src/engine/config/parse.ts'
import { Registry } from '../../../src/engine/metrics/registry.ts'
import { pairsOf } from '../../../src/engine/model/labels.ts'
import { ScrapeManager } from '../../../src/engine/scrape/manager.ts'
import { FakeHost } from '../../fakehost.ts'
import { peer, startPrometheus, type RunningPeer } from '../../peers.ts'
import { Recorder } from './recorder.ts'

const prometheus = peer('prometheus')

// Expositions on which Prometheus 2.42 and 3.14 agree: no names in quotes, no blanks in front of a name, no bounds
// of buckets that would be written in another way.
const written = [
  'a 1',
  'a 1\n\n\n',
  'a{} 1',
  'a{ b = "c" , } 1',
  'a{b="c"d="e"}1',
  'a{b="c",,} 1',
  'a{,} 1',
  'a{b=""} 1\na{b="x"} 2',
  'a{b="1\\"2\\\\3\\n4\\x5"} 1',
  'a{b="two\nlines"} 1',
  'a{b="Füße 🚀"} 1',
  'a{b="c",b="d"} 1',
  'a{__name__="b"} 1',
  'a{job="x",instance="y",exported_job="z"} 1',
  'a 1\na 2\na 1',
  'a 1\nb nope\nc 3',
  'a 1\r\n',
  'a 0x10',
  'a 1_0',
  'a .5\nb 5.\nc +1e3\nd -0\ne 1E-400\nf NaN\ng +Inf\nh -inf\ni Infinity\nj nan',
  'a +nan',
  'a 1e400',
  'a -',
  'a',
  '{} 1',
  '{b="c"} 1',
  '1a 1',
  'a-b 1',
  'a{b-c="d"} 1',
  'a{b:c="d"} 1',
  'a:b 1',
  'é 1',
  'a 1 -5',
  'a 1 1.5',
  'a 1 99999999999999999999',
  'a 1 2 3',
  '# HELP a\na 1',
  '# HELP a \\n\\\\ é\n# TYPE a gauge\na 1',
  '# TYPE a bogus\na 1',
  '# TYPE a\na 1',
  '# TYPE a  gauge\na 1',
  '# TYPE a gauge \na 1',
  '#TYPE a bogus\n#\n# \n# TYPES\n  # HELP x\na 1',
  '# HELP 1 x\na 1',
  '<html>',
  '',
  '\n',
  '# EOF',
]

/** Valid text in which a few bytes have become others. */
function mutated(count: number): string[] {
  const valid =
    '# HELP a_total text\n# TYPE a_total counter\na_total{x="y",code="200"} 15\nb{x="\\\\ \\"y"} 1.5e3\n# note\nc NaN\n'
  const changes = fc.array(
    fc.tuple(fc.nat(valid.length - 1), fc.constantFrom(...Array.from(' {}=,\\\n#1a_:.e-'))),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  const texts = fc.sample(changes, { numRuns: count, seed: 42 }).map(list => {
    const chars = Array.from(valid)
    for (const [at, char] of list) chars[at] = char
    return chars.join('')
  })
  return texts.filter(text => !/^[ \t]+[^\s#]/m.test(text))
}

/** A series as text, without the labels that say which target it comes from. */
function seriesText(labels: Iterable<readonly [string, string]>, v: string): string {
  const kept = [...labels].filter(([name]) => !['job', 'instance', 'case'].includes(name))
  return `${JSON.stringify(kept.sort())} ${v}`
}

/** Prometheus may have scraped more than once by the time it is asked. */
const isComparable = (text: string) => !/scrape_duration_seconds|scrape_series_added/.test(text)

/** What we store of each exposition after one scrape of each. */
async function ours(bodies: readonly string[]): Promise<string[][]> {
  const host = new FakeHost({ now: Date.now() })
  const results: string[][] = []
  for (const body of bodies) {
    const store = new Recorder()
    const manager = new ScrapeManager({ host, metrics: new Registry(), appender: store.appender })
    host.onFetch = () => new Response(body)
    manager.apply(parseConfig('scrape_configs: [{job_name: j, static_configs: [{targets: [h]}]}]').jobs)
    await host.advance(0)
    await manager.stop()
    results.push(
      store.newest
        .map(({ labels, v }) => seriesText(pairsOf(labels), String(v)))
        .filter(isComparable)
        .sort(),
    )
  }
  return results
}

/** What Prometheus stores of them. */
async function theirs(bodies: readonly string[]): Promise<string[][]> {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4')
    response.end(bodies[Number(request.url?.slice(1))])
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const groups = bodies.map(
    (_, i) => `  - {targets: ["127.0.0.1:${port}"], labels: {case: "${i}", __metrics_path__: /${i}}}`,
  )
  const running = await startPrometheus({
    config: [
      'scrape_configs:',
      '- job_name: j',
      '  scrape_interval: 20s',
      '  scrape_timeout: 20s',
      '  static_configs:',
      ...groups,
    ].join('\n'),
  })
  onTestFinished(() => running.stop())
  while (Number(valueOf(await query(running, 'count(scrape_series_added)'))) < bodies.length) await sleep(200)
  const all = await query(running, '{case!=""}')
  const results = bodies.map((): string[] => [])
  for (const { metric, value } of all) {
    results[Number(metric['case'])]?.push(seriesText(Object.entries(metric), String(numberOf(value[1]))))
  }
  return results.map(list => list.filter(isComparable).sort())
}

interface VectorSample {
  readonly metric: Record<string, string>
  readonly value: [number, string]
}

async function query({ url }: RunningPeer, expr: string): Promise<VectorSample[]> {
  const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`)
  const { data } = (await response.json()) as { data: { result: VectorSample[] } }
  return data.result
}

const valueOf = (result: VectorSample[]) => result[0]?.value[1] ?? '0'
const numberOf = (text: string) => Number(text.replace('Inf', 'Infinity'))

test.skipIf(prometheus.missing)(
  `${prometheus.name} accepts, refuses and stores the same of every exposition`,
  async () => {
    const bodies = [...written, ...mutated(150)]
    const [mine, peers] = [await ours(bodies), await theirs(bodies)]
    const differences = bodies
      .map((body, i) => ({ body, ours: mine[i], prometheus: peers[i] }))
      .filter(({ ours: a, prometheus: b }) => JSON.stringify(a) !== JSON.stringify(b))
    expect(differences).toEqual([])
    const accepted = mine.filter(series => series.includes('[["__name__","up"]] 1')).length
    expect(accepted).toBeGreaterThan(40)
    expect(bodies.length - accepted).toBeGreaterThan(40)
  },
  300_000,
)
