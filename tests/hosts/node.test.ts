import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openNodeEngine, StartError, type NodeEngine } from '../../src/hosts/node.ts'
import { start } from '../programs.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'brazier-node-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function open(config: string | null = null, data = folder): Promise<NodeEngine> {
  const given = config === null ? null : { file: 'dir/prometheus.yml', text: config }
  return openNodeEngine({ folder: data, config: given, version: '1.2.3', build: 7, log: () => undefined })
}

async function data(engine: NodeEngine, path: string): Promise<unknown> {
  const response = await engine.handle(new Request(`http://localhost/api/v1/${path}`))
  return ((await response.json()) as { data: unknown }).data
}

test('a folder that is not there is made, and left without its lock', async () => {
  const made = join(folder, 'a/b')
  const engine = await open(null, made)
  expect(readdirSync(made)).toEqual(['lock'])
  expect(await data(engine, 'query?query=1')).toMatchObject({ resultType: 'scalar' })
  await engine.close()
  expect(readdirSync(made)).not.toContain('lock')
})

test.each([
  [
    'scrape_configs:\n- job_name: a\n  nonsense: 1\n',
    'dir/prometheus.yml:3:3: field nonsense not found in type config.ScrapeConfig',
  ],
  ['a: [', /^dir\/prometheus\.yml:\d+:\d+: /],
])(
  'a configuration that is none is refused with its place, and the folder is let go of: %j',
  async (text, message) => {
    await expect(open(text)).rejects.toThrow(StartError)
    await expect(open(text)).rejects.toThrow(message)
    const engine = await open('')
    await engine.close()
  },
)

test('what a prometheus.yml in the folder says is not in force', async () => {
  writeFileSync(join(folder, 'prometheus.yml'), 'not: [a, configuration')
  const engine = await open()
  expect(await data(engine, 'query?query=up')).toMatchObject({ result: [] })
  await engine.close()
})

describe('a folder that somebody has', () => {
  test('another engine is refused until it is closed', async () => {
    const first = await open()
    await expect(open()).rejects.toThrow(StartError)
    await expect(open()).rejects.toThrow(/^want .*lock to be free, but process \d+ .*holds it$/)
    await first.close()
    const second = await open()
    await second.close()
  })

  const seesFiles = existsSync('/proc/self/fdinfo')
  test.skipIf(!seesFiles)(
    'a program that writes to its log is found without a lock, one that reads is not',
    async () => {
      mkdirSync(join(folder, 'wal'))
      const hold = (name: string, mode: string) => {
        const code = `fs.openSync(${JSON.stringify(join(folder, name))}, '${mode}'); console.log('open'); setInterval(() => {}, 9999)`
        return start(process.execPath, ['-e', code], { ready: program => program.log() === 'open\n' })
      }
      const writer = await hold('wal/00000000', 'a')
      await expect(open()).rejects.toThrow(StartError)
      await expect(open()).rejects.toThrow(
        new RegExp(`to be free, but process ${writer.pid} \\(\\w+\\) writes to .*/wal/00000000$`),
      )
      await writer.stop()
      const others = [await hold('wal/00000000', 'r'), await hold('notes.txt', 'a')]
      const engine = await open()
      await engine.close()
      await Promise.all(others.map(other => other.stop()))
    },
  )
})
