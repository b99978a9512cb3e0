import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { faultsOf, type SourceFile } from './tidy.ts'

const root = join(import.meta.dirname, '..')

function tree(): SourceFile[] {
  return ['src', 'sw', 'sidecar'].flatMap(top =>
    readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })
      .map(name => `${top}/${name.replaceAll('\\', '/')}`)
      .filter(path => /\.(ts|svelte|css)$/.test(path))
      .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') })),
  )
}

test('the house is in order', () => {
  const files = tree()
  expect(files.length).toBeGreaterThan(20)
  expect(faultsOf(files)).toEqual([])
})

describe('a planted violation is found', () => {
  test.each<[name: string, path: string, text: string, fault: string]>([
    [
      'an import that points up',
      'src/engine/model/a.ts',
      "import { x } from '../disk/disk.ts'",
      '→ src/engine/disk/disk.ts',
    ],
    ['a neighbour', 'src/engine/promql/a.ts', "import { x } from '../tsdb/db.ts'", '→ src/engine/tsdb/db.ts'],
    [
      'a type from above',
      'src/engine/scrape/a.ts',
      "import type { X } from '../tsdb/db.ts'",
      '→ src/engine/tsdb/db.ts',
    ],
    [
      'the WAL knowing the database',
      'src/engine/tsdb/wal/a.ts',
      "import { x } from '../db.ts'",
      '→ src/engine/tsdb/db.ts',
    ],
    [
      'the WAL knowing the head',
      'src/engine/tsdb/wal/a.ts',
      "import { x } from '../head/head.ts'",
      '→ src/engine/tsdb/head/head.ts',
    ],
    [
      'an export from above',
      'src/engine/bytes/a.ts',
      "export { x } from '../model/labels.ts'",
      '→ src/engine/model/labels.ts',
    ],
    [
      'an import when needed',
      'src/engine/bytes/a.ts',
      "const x = () => import('../model/labels.ts')",
      '→ src/engine/model/labels.ts',
    ],
    [
      'an import that is computed',
      'src/engine/bytes/a.ts',
      'const x = (n: string) => import(n)',
      '→ (computed)',
    ],
    [
      'an import behind a comment',
      'src/engine/bytes/a.ts',
      "const g = '/*'\nimport '../model/labels.ts' // */",
      '→ src/engine/model/labels.ts',
    ],
    [
      'the page using the engine itself',
      'src/ui/A.svelte',
      '<script lang="ts">import { x } from \'../engine/api/routes.ts\'</script>',
      '→ src/engine/api/routes.ts',
    ],
    ['the page using a host', 'src/ui/a.ts', "import { x } from '../hosts/link.ts'", '→ src/hosts/link.ts'],
    [
      'a disk that knows the database',
      'src/disks/a.ts',
      "import { x } from '../engine/tsdb/db.ts'",
      '→ src/engine/tsdb/db.ts',
    ],
    [
      'a Service Worker with an engine',
      'sw/a.ts',
      "import { x } from '../src/engine/engine.ts'",
      '→ src/engine/engine.ts',
    ],
    ['a package of another room', 'src/engine/promql/a.ts', "import { x } from 'yaml'", '→ yaml'],
    ['Node in the engine', 'src/engine/disk/a.ts', "import { x } from 'node:fs'", '→ node:fs'],
    [
      'a scoped package',
      'src/engine/api/a.ts',
      "import { x } from '@hono/node-server'",
      '→ @hono/node-server',
    ],
    [
      'a missing extension',
      'src/engine/model/a.ts',
      "import { x } from './labels'",
      "'./labels' wants its file extension",
    ],
    ['a file in no room', 'src/tools/a.ts', '', 'is in no room'],
    ['a drawer', 'src/engine/model/utils.ts', '', "'utils' says nothing"],
    ['a drawer of a folder', 'src/ui/common/Button.svelte', '', "'common' says nothing"],
    ['a barrel', 'src/engine/model/index.ts', '', "'index' says nothing"],
    ['the clock', 'src/engine/tsdb/a.ts', 'export const x = () => Date.now()', 'takes Date.now'],
    ['the clock by another door', 'src/engine/tsdb/a.ts', 'export const x = new Date()', 'takes new Date()'],
    ['chance', 'src/engine/tsdb/a.ts', 'export const x = Math.random()', 'takes Math.random'],
    ['a timer', 'src/engine/scrape/a.ts', 'setTimeout(() => {}, 1)', 'takes setTimeout'],
    ['the network', 'src/engine/scrape/a.ts', "export const x = fetch('http://a')", 'takes fetch'],
    ['the network handed on', 'src/engine/scrape/a.ts', 'export const x = { get: fetch }', 'takes fetch'],
    ['the console', 'src/engine/scrape/a.ts', "console.log('x')", 'takes console'],
    ['the way round', 'src/engine/scrape/a.ts', "globalThis['fetch']('x')", 'takes globalThis'],
    [
      'a style attribute',
      'src/ui/A.svelte',
      '<p class="a"\n  style="color: red">x</p>',
      'has a style attribute',
    ],
    ['a style attribute with a value', 'src/ui/A.svelte', '<p style={x}>x</p>', 'has a style attribute'],
  ])('%s', (_name, path, text, fault) => {
    expect(faultsOf([{ path, text }]).join('\n')).toContain(fault)
  })
})

describe('what is allowed is not reported', () => {
  test.each<[name: string, path: string, text: string]>([
    ['an import that points down', 'src/engine/tsdb/head/a.ts', "import { x } from '../wal/wal.ts'"],
    ['the database seeing its rooms', 'src/engine/tsdb/db.ts', "import { x } from './head/head.ts'"],
    ['the engine seeing all', 'src/engine/engine.ts', "import { x } from './promql/engine.ts'"],
    ['a type for the page', 'src/ui/a.ts', "import type { X } from '../engine/api/service.ts'"],
    ['a worker by its URL', 'src/hosts/a.ts', "import url from '../../sw/shared-worker.ts?sharedworker&url'"],
    ['a style sheet beside its component', 'src/ui/A.svelte', "<script>import './a.css'</script>"],
    ['the host asked', 'src/engine/scrape/a.ts', 'export const x = (host: H) => host.fetch(host.now())'],
    [
      'a property of that name',
      'src/engine/scrape/a.ts',
      'export interface X { fetch(): void; console: string }',
    ],
    ['a time that is given', 'src/engine/tsdb/a.ts', 'export const x = new Date(0).toISOString()'],
    ['a name of its own', 'src/engine/config/a.ts', 'export const x = (document: D) => document.x'],
    ['a word in a comment', 'src/engine/tsdb/a.ts', '// not Date.now() or setTimeout(…)\nexport const x = 1'],
    ['the clock of a host', 'src/hosts/a.ts', 'export const now = () => Date.now()'],
    ['a style directive', 'src/ui/A.svelte', '<p style:width={x}>x</p><style>p { color: red }</style>'],
  ])('%s', (_name, path, text) => {
    expect(faultsOf([{ path, text }])).toEqual([])
  })
})
