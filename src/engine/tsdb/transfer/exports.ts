import type { BlockJob, ExportTicket } from '../../model/blocks.ts'
import type { Host } from '../../model/host.ts'
import type { Outgoing } from './exporter.ts'

/** After so long without a read the reader is taken for dead: a tab that was closed tells nobody. */
const patienceMs = 60_000

/** Called once, when what an export is made of is not needed any more. */
type Release = () => void | Promise<void>

/** What is being read piece by piece. */
export class Exports {
  private readonly host: Host
  private readonly nextId: () => number
  private readonly running = new Map<number, Running>()

  /** @param nextId names jobs of all kinds */
  constructor(host: Host, nextId: () => number) {
    this.host = host
    this.nextId = nextId
  }

  get jobs(): BlockJob[] {
    return [...this.running.values()].map(({ id, name, done, total }) => {
      return { id, kind: 'export', name, phase: 'writing', done, total }
    })
  }

  open(outgoing: Outgoing, release: Release): ExportTicket {
    const id = this.nextId()
    const { fileName, type, total } = outgoing
    const stop = new AbortController()
    const bytes = outgoing.bytes(stop.signal, done => {
      running.done = done
    })
    const running: Running = {
      id,
      name: fileName,
      total,
      done: 0,
      reads: 0,
      bytes,
      stop,
      release,
      forget: () => undefined,
    }
    this.running.set(id, running)
    this.wait(running)
    return { id, fileName, type }
  }

  /** The next piece, at most 1 MiB, or null at the end, which also closes the export.
   *  @throws Error when there is no such export, or none any more; what the disk throws */
  async read(id: number): Promise<Uint8Array | null> {
    const running = this.running.get(id)
    if (!running) {
      throw new Error(
        `want an export that runs, have ${id}: it has ended, or nobody read it for ${patienceMs / 1000} s`,
      )
    }
    running.forget()
    running.reads++
    try {
      const next = await running.bytes.next()
      if (!next.done) return next.value
      await this.end(running)
      return null
    } catch (error) {
      await this.end(running)
      throw error
    } finally {
      if (--running.reads === 0 && this.running.has(id)) this.wait(running)
    }
  }

  /** Does nothing when there is no such export. */
  async close(id: number): Promise<void> {
    const running = this.running.get(id)
    if (running) await this.end(running)
  }

  /** Ends all. */
  async stop(): Promise<void> {
    await Promise.all([...this.running.keys()].map(id => this.close(id)))
  }

  private wait(running: Running): void {
    running.forget = this.host.after(patienceMs, () => {
      this.host.log('warn', 'export given up: nobody reads it', { name: running.name })
      this.end(running).catch((error: unknown) => {
        this.host.log('error', 'export could not be closed', { name: running.name, error: String(error) })
      })
    })
  }

  private async end(running: Running): Promise<void> {
    if (!this.running.delete(running.id)) return
    running.forget()
    running.stop.abort()
    try {
      await running.bytes.return(undefined)
    } finally {
      await running.release()
    }
  }
}

interface Running {
  readonly id: number
  readonly name: string
  readonly total: number | null
  done: number
  /** Under way. */
  reads: number
  readonly bytes: AsyncGenerator<Uint8Array>
  readonly stop: AbortController
  readonly release: Release
  /** Stops the clock that runs while nobody reads. */
  forget: () => void
}
