// Builds the page and the sidecar when they are missing or older than anything they are made of.
import { spawnSync } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '..')
const sources = [
  'src',
  'sw',
  'sidecar',
  'public',
  'scripts/vite',
  'index.html',
  'package-lock.json',
  'package.json',
]
const configs = ['vite.config.ts', 'svelte.config.js', 'tsconfig.json']
const products = ['dist/index.html', 'dist/engine.js', 'dist/service-worker.js', 'dist-node/main.js']

/** When the file was last written; null when there is none. */
const written = path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null

// A folder's own time tells of files that went away.
function newest(path) {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats?.isDirectory()) return stats?.mtimeMs ?? 0
  const inside = readdirSync(path, { recursive: true }).map(name => written(join(path, name)) ?? 0)
  return inside.reduce((a, b) => Math.max(a, b), stats.mtimeMs)
}

function isFresh() {
  const oldest = Math.min(...products.map(path => written(join(root, path)) ?? 0))
  return [...sources, ...configs].every(path => newest(join(root, path)) <= oldest)
}

/** Answers the exit code of the build; 0 when none was needed. */
export function ensureBuild() {
  if (isFresh()) return 0
  const windows = process.platform === 'win32'
  return spawnSync('npm', ['run', 'build'], { cwd: root, stdio: 'inherit', shell: windows }).status ?? 1
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = ensureBuild()
