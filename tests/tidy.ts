import { dirname, join } from 'node:path/posix'
import ts from 'typescript'

/** A file of the tree, real or planted: its path from the root, with slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

interface Room {
  /** Other rooms, or single files of them, that its files may import. A leading `type ` allows types only. */
  readonly imports: readonly string[]
  /** npm packages; `node:` stands for all of Node's own modules. */
  readonly packages?: readonly string[]
}

const types = (...rooms: string[]) => rooms.map(room => `type ${room}`)
const engine = (...rooms: string[]) => rooms.map(room => `src/engine/${room}`)
const onDisk = engine('bytes', 'model', 'disk', 'chunks', 'metrics')

/** The floor plan, ground floor first. A room covers its folder except where a longer path is a room of its own;
 *  what lies inside a room may be imported by all of it. */
const rooms: Readonly<Record<string, Room>> = {
  'src/engine/bytes': { imports: [], packages: ['fzstd', 'hysnappy'] },
  'src/engine/model': { imports: engine('bytes'), packages: ['re2js'] },
  'src/engine/metrics': { imports: engine('model') },
  'src/engine/disk': { imports: engine('model') },
  'src/engine/exposition': { imports: engine('bytes', 'model') },
  'src/engine/chunks': { imports: engine('bytes', 'model') },
  'src/engine/tsdb/wal': { imports: onDisk },
  'src/engine/tsdb/headchunks': { imports: onDisk },
  'src/engine/tsdb/block': { imports: onDisk, packages: ['ulid'] },
  'src/engine/tsdb/head': {
    imports: [...onDisk, 'src/engine/tsdb/wal', ...types('src/engine/tsdb/headchunks')],
  },
  'src/engine/tsdb/exemplars': { imports: engine('model', 'metrics') },
  'src/engine/tsdb/outoforder': { imports: [...onDisk, ...engine('tsdb/head', 'tsdb/wal')] },
  'src/engine/tsdb/backfill': { imports: [...onDisk, ...engine('exposition', 'tsdb/block', 'tsdb/head')] },
  'src/engine/tsdb/transfer': {
    imports: [
      ...onDisk,
      ...engine('tsdb/block', 'tsdb/wal', 'tsdb/head', 'tsdb/headchunks', 'tsdb/outoforder'),
      ...engine('tsdb/backfill', 'tsdb/ownfile.ts', 'archive'),
    ],
    packages: ['ulid'],
  },
  'src/engine/tsdb/compact': { imports: [...onDisk, 'src/engine/tsdb/block'] },
  'src/engine/tsdb': { imports: onDisk },
  'src/engine/archive': { imports: engine('model'), packages: ['modern-tar', 'client-zip'] },
  'src/engine/config': { imports: engine('model'), packages: ['yaml', 'valibot'] },
  'src/engine/discovery': { imports: engine('model', 'exposition', 'config', 'metrics') },
  'src/engine/relabel': { imports: engine('model', 'config') },
  'src/engine/scrape': { imports: engine('model', 'exposition', 'config', 'metrics', 'relabel') },
  'src/engine/promql/syntax': { imports: engine('model') },
  'src/engine/promql': { imports: engine('model', 'metrics', 'bytes/xxhash64.ts'), packages: ['re2js'] },
  'src/engine/api': { imports: engine('model'), packages: ['hono'] },
  // engine.ts: the only file that sees every room.
  'src/engine': { imports: [] },
  'src/disks': { imports: engine('bytes/crc32c.ts', 'disk', 'model'), packages: ['idb'] },
  // The only disk that knows Node.
  'src/disks/nodefs.ts': {
    imports: [...engine('disk'), 'src/disks/node', 'src/disks/order.ts', 'src/disks/staging.ts'],
    packages: ['node:'],
  },
  'src/disks/node': { imports: [...engine('disk'), 'src/disks/staging.ts'], packages: ['node:'] },
  'src/hosts': {
    imports: [...engine('engine.ts', 'api', 'model', 'disk'), 'src/disks', 'sw/shared-worker.ts'],
    packages: ['comlink'],
  },
  // The only host that knows Node.
  'src/hosts/nodehost.ts': { imports: engine('model'), packages: ['node:'] },
  'src/ui': {
    // The nouns know how they are written (durations, labels); of the engine itself the page knows types alone.
    imports: ['src/engine/model', ...types('src/engine/api')],
    packages: [
      'svelte',
      'uplot',
      'tinykeys',
      '@lucide/svelte',
      '@codemirror/*',
      '@lezer/*',
      '@prometheus-io/*',
    ],
  },
  'src/main.ts': {
    imports: ['src/hosts', 'src/ui', ...types('src/engine/api', 'src/engine/model')],
    packages: ['svelte'],
  },
  'src/promqltest': {
    imports: engine('promql', 'model', 'tsdb', 'disk', 'metrics', 'chunks'),
    packages: ['re2js'],
  },
  'src/env.d.ts': { imports: [] },
  sw: { imports: ['src/hosts'] },
  sidecar: {
    imports: ['src/hosts', 'src/promqltest'],
    packages: ['node:', 'hono', '@hono/node-server', 'prom-client'],
  },
}

/** Everything that is wrong, one line each, in the order of the files. */
export function faultsOf(files: readonly SourceFile[]): string[] {
  return files.flatMap(file => {
    const source = parse(file)
    return [
      ...misplaced(file),
      ...misnamed(file),
      ...upwardImports(file, source),
      ...takenFromHost(file, source),
      ...staticStyles(file),
    ]
  })
}

function roomOf(path: string): string | undefined {
  const around = Object.keys(rooms).filter(room => within(path, room))
  return around.sort((a, b) => b.length - a.length)[0]
}

function within(path: string, room: string): boolean {
  return path === room || path.startsWith(`${room}/`)
}

function misplaced({ path }: SourceFile): string[] {
  return roomOf(path) === undefined ? [`${path} is in no room`] : []
}

const drawers = ['util', 'utils', 'helper', 'helpers', 'common', 'misc', 'shared', 'lib', 'index']

/** A name that could hold anything will, in the end. */
function misnamed({ path }: SourceFile): string[] {
  const names = path.split('/').map(name => name.split('.')[0] ?? name)
  const found = names.filter(name => drawers.includes(name.toLowerCase()))
  return found.map(name => `${path}: '${name}' says nothing of what is in it`)
}

function upwardImports(file: SourceFile, source: ts.SourceFile): string[] {
  const room = roomOf(file.path)
  if (room === undefined) return []
  return importsOf(source).flatMap(({ specifier, typeOnly }) => {
    if (!specifier.startsWith('.')) return foreign(file.path, room, specifier)
    const target = join(dirname(file.path), specifier.replace(/\?.*$/, ''))
    if (!/\.(ts|svelte|css)$/.test(target)) return [`${file.path}: '${specifier}' wants its file extension`]
    return allows(room, target, typeOnly) ? [] : [`${file.path} → ${target}`]
  })
}

function allows(room: string, target: string, typeOnly: boolean): boolean {
  if (within(target, room)) return true
  return (rooms[room]?.imports ?? []).some(rule =>
    rule.startsWith('type ') ? typeOnly && within(target, rule.slice(5)) : within(target, rule),
  )
}

function foreign(path: string, room: string, specifier: string): string[] {
  const name = packageOf(specifier)
  const allowed = (rooms[room]?.packages ?? []).some(rule =>
    rule.endsWith('/*') ? name.startsWith(rule.slice(0, -1)) : name === rule,
  )
  return allowed ? [] : [`${path} → ${specifier}`]
}

function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return 'node:'
  const [scope = '', name = ''] = specifier.split('/')
  return scope.startsWith('@') ? `${scope}/${name}` : scope
}

interface Import {
  readonly specifier: string
  readonly typeOnly: boolean
}

function importsOf(source: ts.SourceFile): Import[] {
  const found: Import[] = []
  walk(source, node => {
    const from =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node) ? node.moduleSpecifier : undefined
    if (from && ts.isStringLiteral(from)) found.push({ specifier: from.text, typeOnly: isTypeOnly(node) })
    if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return
    const [argument] = node.arguments
    const specifier = argument && ts.isStringLiteral(argument) ? argument.text : '(computed)'
    found.push({ specifier, typeOnly: false })
  })
  return found
}

function isTypeOnly(node: ts.Node): boolean {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly
  return ts.isImportDeclaration(node) && node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
}

// What every host has under one name, and still must not be taken: a test could not move or count it.
const hostsOwn = new Set([
  ...['window', 'document', 'navigator', 'location', 'self', 'globalThis', 'process', 'Buffer', 'require'],
  ...['indexedDB', 'localStorage', 'caches', 'crypto', 'performance', 'console', 'fetch', 'queueMicrotask'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'requestAnimationFrame', 'WebSocket', 'XMLHttpRequest'],
])
const hostsCalls = new Set(['Date.now', 'Math.random'])

/** The engine is handed time, chance and the network; it never takes them. */
function takenFromHost(file: SourceFile, source: ts.SourceFile): string[] {
  if (!within(file.path, 'src/engine') || file.path.endsWith('.d.ts')) return []
  const taken = new Set<string>()
  const own = namesDeclaredIn(source)
  walk(source, node => {
    if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
      const call = `${node.expression.text}.${node.name.text}`
      if (hostsCalls.has(call)) taken.add(call)
    }
    if (isDateOfNow(node)) taken.add('new Date()')
    if (ts.isIdentifier(node) && hostsOwn.has(node.text) && !own.has(node.text) && isFree(node))
      taken.add(node.text)
  })
  return [...taken].map(name => `${file.path} takes ${name}`)
}

function isDateOfNow(node: ts.Node): boolean {
  const made = ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'Date'
  return made && !node.arguments?.length
}

/** A file may call a YAML document `document`. */
function namesDeclaredIn(source: ts.SourceFile): Set<string> {
  const names = new Set<string>()
  walk(source, node => {
    const declares = ts.isVariableDeclaration(node) || ts.isParameter(node) || ts.isBindingElement(node)
    if (declares && ts.isIdentifier(node.name)) names.add(node.name.text)
  })
  return names
}

/** Whether the word refers to a variable: `host.fetch` and `{ fetch: … }` only name a property. */
function isFree(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node
  const named = parent as { readonly name?: ts.Node }
  return named.name !== node && !ts.isTypeReferenceNode(parent) && !ts.isQualifiedName(parent)
}

/** A style attribute in a template is a style that no theme and no Content-Security-Policy can reason about;
 *  `style:property={…}` sets one property. */
function staticStyles({ path, text }: SourceFile): string[] {
  if (!path.endsWith('.svelte')) return []
  const markup = text.replaceAll(/<(script|style)\b[^]*?<\/\1>|<!--[^]*?-->/g, '')
  return /\sstyle\s*=/.test(markup) ? [`${path} has a style attribute`] : []
}

function parse({ path, text }: SourceFile): ts.SourceFile {
  const scripts = [...text.matchAll(/<script\b[^>]*>([^]*?)<\/script>/g)].map(match => match[1] ?? '')
  const code = path.endsWith('.svelte') ? scripts.join('\n') : path.endsWith('.css') ? '' : text
  return ts.createSourceFile(path, code, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS)
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, child => walk(child, visit))
}
