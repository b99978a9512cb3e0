// Finds (or, with --install, gets) a Chromium. Prints its path. Used by playwright.config.ts, vitest and npm scripts.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'

const runs = p => {
  try {
    accessSync(p, constants.X_OK)
    return true
  } catch {
    return false
  }
}
async function playwrights() {
  try {
    const { chromium } = await import('@playwright/test')
    const p = chromium.executablePath()
    return existsSync(p) ? p : undefined
  } catch {
    return undefined
  }
}
export async function findChromium() {
  const set = process.env.CHROMIUM_PATH
  if (set) {
    if (!runs(set)) throw new Error(`CHROMIUM_PATH is ${set}, which is not an executable file`)
    return set
  }
  const dirs = (process.env.PATH ?? '').split(delimiter)
  const named = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'].flatMap(n =>
    dirs.map(d => join(d, n)),
  )
  const fixed = [
    '/usr/bin/chromium',
    '/snap/bin/chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    `${process.env.PROGRAMFILES ?? 'C:\\Program Files'}\\Google\\Chrome\\Application\\chrome.exe`,
  ]
  return [...named, ...fixed].find(runs) ?? (await playwrights())
}
const sh = (cmd, args, env) =>
  spawnSync(cmd, args, { stdio: ['ignore', 2, 2], env: { ...process.env, ...env } }).status === 0

export async function ensureChromium() {
  const there = await findChromium()
  if (there) return there
  const os = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  if (/^ID(_LIKE)?=.*debian/m.test(os) && process.getuid?.() === 0) {
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    console.error('no Chromium: installing Debian package chromium')
    const args = ['install', '-y', '--no-install-recommends', 'chromium']
    if (sh('apt-get', args, env) || (sh('apt-get', ['update'], env) && sh('apt-get', args, env))) {
      const got = await findChromium()
      if (got) return got
    }
  }
  console.error("no Chromium: trying 'playwright install chromium'")
  if (sh('npx', ['--no-install', 'playwright', 'install', 'chromium'])) {
    const got = await findChromium()
    if (got) return got
  }
  throw new Error(
    'no Chromium found or installable.\nInstall one (Debian: apt-get install chromium) or set CHROMIUM_PATH to its executable.',
  )
}
export const chromiumArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    const p = process.argv.includes('--install') ? await ensureChromium() : await findChromium()
    if (!p) throw new Error('no Chromium found')
    console.log(p)
  } catch (e) {
    console.error(e.message)
    process.exit(1)
  }
}
