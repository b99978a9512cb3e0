import { expect, test } from 'vitest'
import { MemoryDisk } from '../../src/engine/disk/memory.ts'
import { openEngine, type Engine } from '../../src/engine/engine.ts'
import { SyntaxProblem } from '../../src/engine/model/errors.ts'
import { FakeHost } from '../fakehost.ts'

const url = 'http://10.0.0.1:80/metrics'
const config = `scrape_configs: [{job_name: a, scrape_interval: 10s, static_configs: [{targets: ['10.0.0.1:80']}]}]`

/** An engine whose configuration its host gives. */
async function start(text: string, disk = new MemoryDisk()) {
  const host = new FakeHost()
  host.onFetch = async asked => {
    expect(asked).toBe(url)
    return new Response('m 1\n', { headers: { 'content-type': 'text/plain' } })
  }
  const engine = await openEngine({
    host,
    disk,
    kind: 'test',
    version: '0.0.0',
    build: 1,
    engineId: 'test',
    selfUrl: null,
    sidecarUrl: null,
    config: text,
  })
  return { engine, host, disk }
}

async function seriesAt(engine: Engine, time: number, limits: { lookbackMs?: number } = {}): Promise<number> {
  const answer = await engine.query({ expr: 'm', time, ...limits })
  return answer.kind === 'vector' ? answer.labels.length : -1
}

test('a configuration that is given is in force, and neither stored nor changed', async () => {
  const { engine, host, disk } = await start(config)
  await host.advance(15_000)
  expect(await seriesAt(engine, host.now())).toBe(1)
  const target = { url: 'http://10.0.0.2:80/metrics', job: 'b', intervalMs: 1000 }
  await expect(engine.addTarget(target)).rejects.toThrow('the configuration is a file; edit it there')
  expect((await engine.targets()).map(one => one.job)).toEqual(['a'])
  await engine.close()
  expect(await disk.list('')).not.toContain('prometheus.yml')
})

test('one that is none is refused before the disk is touched', async () => {
  const disk = new MemoryDisk()
  await expect(start('nonsense: 1', disk)).rejects.toThrow(SyntaxProblem)
  expect(await disk.list('')).toEqual([])
})

test('a query may look back further or less far than the engine does', async () => {
  const { engine, host } = await start(config)
  await host.advance(1000)
  const time = host.now() + 6000
  expect(await seriesAt(engine, time)).toBe(1)
  expect(await seriesAt(engine, time, { lookbackMs: 3000 })).toBe(0)
  expect(await seriesAt(engine, time + 600_000)).toBe(0)
  expect(await seriesAt(engine, time + 600_000, { lookbackMs: 700_000 })).toBe(1)
  await engine.close()
})
