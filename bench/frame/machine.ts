import { execFileSync } from 'node:child_process'
import { cpus, loadavg, totalmem } from 'node:os'
import { findPeer } from '../../scripts/peers.mjs'

/** The machine and the programs, in a sentence or two. */
export function describeMachine(chromium: string): string {
  const [cpu] = cpus()
  const gib = Math.round(totalmem() / 2 ** 30)
  const [load = 0] = loadavg()
  return [
    `${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${gib} GiB, load ${load.toFixed(1)} when it ended;`,
    `Node ${process.version}, Chromium ${chromium}, Prometheus ${prometheusVersion()}.`,
  ].join(' ')
}

function prometheusVersion(): string {
  const path = findPeer('prometheus')
  if (path === null) return 'missing'
  const text = execFileSync(path, ['--version'], { encoding: 'utf8' })
  return /version (\S+)/.exec(text)?.[1]?.replace(',', '') ?? 'of unknown version'
}
