import type { EngineClient } from '../../engine/api/connection.ts'
import type { ExportRequest, ExportTicket, ImportSource, SourceFile } from '../../engine/api/service.ts'
import { messageOf } from '../feed.svelte.ts'
import { texts } from '../texts.ts'
import { unlessAborted } from './abort.ts'
import { saveArchive } from './archive.ts'
import { openDestination } from './destination.ts'
import { suggestedName } from './facts.ts'
import { sourcesOf } from './pick.ts'
import { exportedOutcome, importedOutcome, type Outcome, type Task } from './tasks.ts'

/** The imports and exports of this tab. They go on while another page is looked at, so the app owns them. */
export class Transfers {
  tasks = $state.raw<readonly Task[]>([])
  /** Names of tasks that are over. */
  ended = $state.raw<readonly string[]>([])
  /** How they ended, the last one first, until somebody has read it. */
  outcomes = $state.raw<readonly Outcome[]>([])
  private readonly client: EngineClient
  private last = 0
  /** One import at a time: they write to one store. */
  private queue = Promise.resolve()

  constructor(client: EngineClient) {
    this.client = client
  }

  /** Takes in what was picked or dropped. */
  async import(picked: Promise<SourceFile[]>): Promise<void> {
    try {
      const sources = await sourcesOf(await picked)
      if (sources.length === 0) throw new Error(texts.blocks.nothingPicked)
      await Promise.all(sources.map(source => this.importOne(source)))
    } catch (error) {
      this.tell({ failed: true, text: messageOf(error) })
    }
  }

  /** To be called while a click is being handled.
   *  @param what names the archive until the engine has given it a name
   *  @param bytes how many it will have, about */
  async export(request: ExportRequest, what: string, bytes: number): Promise<void> {
    await this.perform('export', what, async (signal, change) => {
      const destination = await openDestination(bytes, suggestedName(request))
      const arrived = ({ fileName }: ExportTicket, done: number) =>
        change({ name: fileName, done, running: true })
      const saved = await saveArchive(this.client, request, destination, signal, arrived)
      return exportedOutcome(saved.fileName, saved.bytes)
    })
  }

  dismiss(outcome: Outcome): void {
    this.outcomes = this.outcomes.filter(other => other !== outcome)
  }

  private importOne(source: ImportSource): Promise<void> {
    return this.perform('import', source.name, async (signal, change) => {
      const turn = this.queue.then(() => {
        signal.throwIfAborted()
        change({ running: true })
        return this.client.importBlocks(source, signal)
      })
      this.queue = turn.then(
        () => undefined,
        () => undefined,
      )
      return importedOutcome(source.name, await unlessAborted(turn, signal))
    })
  }

  /** Shows what is done as a task, and how it ended. */
  private async perform(
    kind: Task['kind'],
    name: string,
    act: (signal: AbortSignal, change: (to: Partial<Task>) => void) => Promise<Outcome>,
  ): Promise<void> {
    const job = new AbortController()
    const id = ++this.last
    const change = (to: Partial<Task>) => {
      this.tasks = this.tasks.map(task => (task.id === id ? { ...task, ...to } : task))
    }
    this.tasks = [...this.tasks, { id, kind, name, done: 0, running: false, cancel: () => job.abort() }]
    try {
      this.tell(await act(job.signal, change))
    } catch (error) {
      if (job.signal.aborted || isGivenUp(error))
        this.tell({ failed: false, text: texts.blocks.cancelled[kind](name) })
      else this.tell({ failed: true, text: texts.blocks.failed[kind](name), detail: messageOf(error) })
    } finally {
      this.end(id)
    }
  }

  private end(id: number): void {
    const names = this.tasks.filter(task => task.id === id).map(task => task.name)
    this.ended = [...this.ended, ...names]
    this.tasks = this.tasks.filter(task => task.id !== id)
  }

  private tell(outcome: Outcome): void {
    this.outcomes = [outcome, ...this.outcomes]
  }
}

/** Whether the user was asked for a file and named none. */
function isGivenUp(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
