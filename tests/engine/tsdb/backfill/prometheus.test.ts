import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { OpenMetricsCursor } from '../../../../src/engine/exposition/openmetrics.ts'
import { isUlid } from '../../../../src/engine/tsdb/block/ulid.ts'
import { parseMeta, type BlockMeta } from '../../../../src/engine/tsdb/block/meta.ts'
import { openMetrics } from '../../../blocks.ts'
import { peer, startPrometheus } from '../../../peers.ts'
import { copyOut } from '../block/blockdisk.ts'
import { fill } from './filling.ts'

const promtool = peer('promtool')
const prometheus = peer('prometheus')
const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'brazier-backfill-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Begins and ends within ranges; some samples are a few milliseconds late. */
const options = { startSeconds: 1_699_920_000 + 1234, hours: 5, instances: 2 }

async function theirs(name: string, text: string): Promise<string> {
  const output = join(folder, name)
  mkdirSync(output)
  const input = join(folder, `${name}.om`)
  writeFileSync(input, text)
  await run(promtool.path(), ['tsdb', 'create-blocks-from', 'openmetrics', input, output])
  return output
}

async function ours(name: string, text: string): Promise<string> {
  const output = join(folder, name)
  mkdirSync(output)
  const { disk, blocks } = await fill(text, { memoryBytes: 20_000 })
  for (const block of blocks) await copyOut(disk, block.folder, output)
  return output
}

/** In the order of their times. */
function metasIn(path: string): BlockMeta[] {
  const metas = readdirSync(path)
    .filter(isUlid)
    .map(ulid => parseMeta(readFileSync(join(path, ulid, 'meta.json'))))
  return metas.sort((a, b) => a.minTime - b.minTime)
}

/** Every sample, as promtool prints it. */
async function dumpOf(path: string): Promise<string[]> {
  // It wants a log, empty or not.
  mkdirSync(join(path, 'wal'), { recursive: true })
  const { stdout } = await run(promtool.path(), ['tsdb', 'dump', path], { maxBuffer: 2 ** 28 })
  return stdout.trim().split('\n')
}

test.skipIf(promtool.missing)('promtool makes the same blocks of the same text', async () => {
  const text = openMetrics(options)
  const [mine, other] = [await ours('ours', text), await theirs('theirs', text)]
  const facts = (path: string) =>
    metasIn(path).map(({ minTime, maxTime, stats, compaction }) => [
      ...[minTime, maxTime, stats.numSamples, stats.numSeries],
      compaction.level,
    ])
  expect(facts(mine)).toHaveLength(3)
  expect(facts(mine)).toEqual(facts(other))
  const samples = await dumpOf(mine)
  expect(samples).toHaveLength(50 * 1200)
  expect(samples).toEqual(await dumpOf(other))
})

test.skipIf(promtool.missing)('promtool lists and analyses blocks of a text', async () => {
  const path = await ours('listed', openMetrics(options))
  const ulids = metasIn(path).map(({ ulid }) => ulid)
  const { stdout } = await run(promtool.path(), ['tsdb', 'list', path])
  for (const ulid of ulids) expect(stdout).toContain(ulid)
  const analysed = await run(promtool.path(), ['tsdb', 'analyze', path, ulids[1]!])
  expect(analysed.stdout).toContain('Series: 50')
})

test.skipIf(prometheus.missing)('Prometheus answers from blocks of a text', async () => {
  const dataDir = await ours('served', openMetrics(options))
  const server = await startPrometheus({ dataDir })
  try {
    const times = { start: String(options.startSeconds), end: String(options.startSeconds + 5 * 3600) }
    const query = new URLSearchParams({
      query: 'sum(count_over_time(http_requests_total[5h]))',
      time: times.end,
    })
    const response = await fetch(`${server.url}/api/v1/query?${query.toString()}`)
    const answer = (await response.json()) as { data: { result: { value: [number, string] }[] } }
    expect(answer.data.result[0]?.value[1]).toBe(String(12 * 1200))
  } finally {
    await server.stop()
  }
})

// Names in quotes and commas behind the last label are younger than the version that is at hand everywhere.
const texts: [text: string, accepted: boolean][] = [
  ['a 1 1\n# EOF\n', true],
  ['# TYPE a counter\na_total 1 1 # {b="c"} 1 1\n# EOF\n', true],
  ['# HELP a \\"\n# UNIT a \na -Inf 1.5e0\n# EOF\n', true],
  ['a{b="\0"} 1 1\n# EOF\n', true],
  ['a{b="c"d="e"} 1 1\n# EOF\n', false],
  ['a  1 1\n# EOF\n', false],
  ['a 1 1 \n# EOF\n', false],
  ['a 1 1 # {b="c"}\n# EOF\n', false],
  ['a 1 1\n#EOF\n', false],
  ['a 1 1\n\n# EOF\n', false],
  ['# c\na 1 1\n# EOF\n', false],
  ['a 1 1\n# EOF\n\n', false],
  ['# UNIT a b\na 1 1\n# EOF\n', false],
  ['a 1_0 1\n# EOF\n', false],
]

test.skipIf(promtool.missing).each(texts)('promtool agrees about %j', async (text, accepted) => {
  const read = () => {
    const cursor = new OpenMetricsCursor(new TextEncoder().encode(text))
    while (cursor.next() !== 'end');
  }
  if (accepted) expect(read).not.toThrow()
  else expect(read).toThrow()
  const made = theirs(`agree-${texts.findIndex(([one]) => one === text)}`, text)
  if (accepted) await expect(made).resolves.toContain('agree')
  else await expect(made).rejects.toThrow('promtool')
})
