import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findPeer, packages } from '../scripts/peers.mjs'
import { freePort, start, type Program } from './programs.ts'

export type PeerName = keyof typeof packages

/** A program that a test compares with. For both runners:
 *  `const prometheus = peer('prometheus')`, then in Vitest
 *  ``test.skipIf(prometheus.missing)(`${prometheus.name} reads what was written`, …)``, in Playwright
 *  `test.skip(prometheus.missing, …)` within a test whose title has its name. */
export interface Peer {
  readonly name: PeerName
  readonly missing: boolean
  /** Throws when it is missing, saying what to install. */
  path(): string
}

export function peer(name: PeerName): Peer {
  const found = findPeer(name)
  return {
    name,
    missing: found === null,
    path() {
      if (found === null)
        throw new Error(`${name} is not on PATH (Debian: apt-get install ${packages[name]})`)
      return found
    },
  }
}

export interface RunningPeer extends Program {
  /** Without a slash at the end. */
  readonly url: string
}

export interface PrometheusOptions {
  /** prometheus.yml; empty by default. */
  readonly config?: string
  /** Its data directory; by default one that goes away with it. */
  readonly dataDir?: string
  readonly flags?: readonly string[]
}

/** Starts a real Prometheus on a free port and waits until it is ready. It keeps data of any age. */
export async function startPrometheus(options: PrometheusOptions = {}): Promise<RunningPeer> {
  const { config = 'global: {}\n', flags = [] } = options
  const folder = mkdtempSync(join(tmpdir(), 'brazier-prometheus-'))
  const dataDir = options.dataDir ?? join(folder, 'data')
  mkdirSync(dataDir, { recursive: true })
  writeFileSync(join(folder, 'prometheus.yml'), config)
  const port = await freePort()
  const args = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${dataDir}`,
    '--storage.tsdb.retention.time=100y',
    `--web.listen-address=127.0.0.1:${port}`,
    ...flags,
  ]
  const url = `http://127.0.0.1:${port}`
  return startIn(folder, 'prometheus', args, url, `${url}/-/ready`)
}

/** Starts a real node_exporter on a free port. */
export async function startNodeExporter(flags: readonly string[] = []): Promise<RunningPeer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'brazier-node-exporter-'))
  const url = `http://127.0.0.1:${port}`
  const args = [`--web.listen-address=127.0.0.1:${port}`, ...flags]
  return startIn(folder, 'prometheus-node-exporter', args, url, `${url}/metrics`)
}

/** The folder goes away when the program has been stopped, or never got ready. */
async function startIn(
  folder: string,
  name: PeerName,
  args: readonly string[],
  url: string,
  ready: string,
): Promise<RunningPeer> {
  const remove = () => rmSync(folder, { recursive: true, force: true })
  try {
    const program = await start(peer(name).path(), args, { ready })
    return { ...program, url, stop: () => program.stop().finally(remove) }
  } catch (error) {
    remove()
    throw error
  }
}
