// The engine's home in Node: a folder that a real Prometheus can open, and no page.
import { openNodeFs } from '../disks/nodefs.ts'
import { openEngine } from '../engine/engine.ts'
import { SyntaxProblem } from '../engine/model/errors.ts'
import { nodeHost } from './nodehost.ts'

export interface NodeEngineOptions {
  /** Of the data, in Prometheus's layout; made when it is missing. */
  readonly folder: string
  /** A prometheus.yml and the path to name it by; null scrapes nothing. */
  readonly config: { readonly file: string; readonly text: string } | null
  readonly version: string
  /** Seconds since the epoch. */
  readonly build: number
  /** Takes the log, line by line. */
  readonly log: (line: string) => void
}

export interface NodeEngine {
  /** Answers requests of the HTTP API. */
  readonly handle: (request: Request) => Promise<Response>
  /** Stops scraping, brings everything to the disk for good and lets go of the folder. */
  close(): Promise<void>
}

/** The engine cannot start for a reason that is the user's to put right: one line. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/** Opens the engine on a folder and scrapes what the configuration names.
 *  @throws StartError when another program has the folder, or the configuration is none (`file:line:column: …`) */
export async function openNodeEngine(options: NodeEngineOptions): Promise<NodeEngine> {
  const { folder, config, version, build } = options
  const disk = await openNodeFs(folder).catch(refused)
  try {
    return await openEngine({
      host: nodeHost({ userAgent: `Brazier/${version}`, folder, write: options.log }),
      disk,
      kind: 'node',
      version,
      build,
      engineId: crypto.randomUUID(),
      selfUrl: null,
      sidecarUrl: null,
      config: config?.text ?? '',
    })
  } catch (error) {
    await disk.close()
    if (config && error instanceof SyntaxProblem) throw new StartError(placed(config.file, error))
    throw error
  }
}

/** A folder that cannot be had: another program has it, or the system says no. */
function refused(error: unknown): never {
  throw new StartError(error instanceof Error ? error.message : String(error), { cause: error })
}

function placed(file: string, { line, column, message }: SyntaxProblem): string {
  return `${file}:${line}:${column}: ${message.replace(/^line \d+, column \d+: /, '')}`
}
