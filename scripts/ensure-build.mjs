// Builds the page and the Node programs, each when it is missing or older than anything it is made of.
import { spawnSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const root = join(import.meta.dirname, '..')
const lock = join(root, 'node_modules/.cache/brazier-build.lock')
const longestBuildMs = 15 * 60_000
const everywhere = [
  'src',
  'scripts/vite',
  'vite.config.ts',
  'tsconfig.json',
  'package.json',
  'package-lock.json',
]

/** What can be built, by the name of its npm script. */
const builds = {
  'build:page': {
    sources: [...everywhere, 'sw', 'sidecar/csp.ts', 'public', 'index.html', 'svelte.config.js'],
    products: ['dist/index.html', 'dist/engine.js', 'dist/service-worker.js'],
  },
  'build:node': {
    sources: [...everywhere, 'sidecar'],
    products: ['main', 'serve', 'promqltest', 'tsdb'].map(name => `dist-node/${name}.js`),
  },
}

/** When the file was last written; null when there is none. */
const written = path => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null

// A folder's own time tells of files that went away.
function newest(path) {
  const stats = statSync(path, { throwIfNoEntry: false })
  if (!stats?.isDirectory()) return stats?.mtimeMs ?? 0
  const inside = readdirSync(path, { recursive: true }).map(name => written(join(path, name)) ?? 0)
  return inside.reduce((a, b) => Math.max(a, b), stats.mtimeMs)
}

function isFresh({ sources, products }) {
  const oldest = Math.min(...products.map(path => written(join(root, path)) ?? 0))
  return sources.every(path => newest(join(root, path)) <= oldest)
}

/** The products get the time at which the build began: what is edited meanwhile is newer. */
function run(script, quiet) {
  const began = Date.now() / 1000
  const shell = process.platform === 'win32'
  const stdio = quiet ? 'pipe' : 'inherit'
  const options = { cwd: root, stdio, shell, encoding: 'utf8', maxBuffer: 2 ** 26 }
  const { status, stdout, stderr } = spawnSync('npm', ['run', script], options)
  if (status !== 0 && quiet) process.stderr.write(`${stdout ?? ''}${stderr ?? ''}`)
  if (status === 0) for (const path of builds[script].products) utimesSync(join(root, path), began, began)
  return status ?? 1
}

function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** Whether this process is the one that may build now. */
function tryLock() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    const old = Date.now() - (written(lock) ?? Infinity) > longestBuildMs
    // Left behind by a process that was killed; without a number it is just being written.
    if (old || (pid > 0 && !isRunning(pid))) unlinkSync(lock)
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
  }
  return false
}

/** Two programs that start at once must not build into the same folder. */
function alone(action) {
  mkdirSync(dirname(lock), { recursive: true })
  const sleeper = new Int32Array(new SharedArrayBuffer(4))
  while (!tryLock()) Atomics.wait(sleeper, 0, 0, 100)
  try {
    return action()
  } finally {
    unlinkSync(lock)
  }
}

/** Answers the exit code of the build; 0 when none was needed.
 *  @param {{ only?: 'build:page' | 'build:node', quiet?: boolean }} options `quiet` shows the build's output only
 *  when it fails, on stderr */
export function ensureBuild({ only, quiet = false } = {}) {
  const stale = () => Object.keys(builds).filter(name => name === (only ?? name) && !isFresh(builds[name]))
  const building = written(lock) !== null
  if (!building && stale().length === 0) return 0
  return alone(() => stale().reduce((code, script) => code || run(script, quiet), 0))
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = ensureBuild()
