import type { BlockJob, ImportReport } from '../../engine/api/service.ts'
import { formatBytes } from '../format/number.ts'
import { texts } from '../texts.ts'

/** An import or export that this tab has begun. */
export interface Task {
  readonly id: number
  readonly kind: BlockJob['kind']
  /** As the engine's job calls it: the archive or folder that is read, the file that is written. */
  readonly name: string
  /** Bytes that have come out of an export. */
  readonly done: number
  /** False while it waits for others. */
  readonly running: boolean
  readonly cancel: () => void
}

/** How a task ended. */
export interface Outcome {
  readonly failed: boolean
  readonly text: string
  /** The engine's words: file, offset, what was wanted and what was found. */
  readonly detail?: string
  /** What was left out or could not be taken in whole: a sentence each. */
  readonly remarks?: readonly string[]
}

/** How far a task of this or another tab is. */
export interface Progress {
  readonly key: string
  readonly kind: BlockJob['kind']
  readonly name: string
  readonly phase: BlockJob['phase'] | 'waiting' | 'starting'
  /** Bytes; `total` is null while it is not known. */
  readonly done: number
  readonly total: number | null
  /** Null for what another tab has begun. */
  readonly cancel: (() => void) | null
}

/** The tasks of this tab with what the engine says of them, then the jobs of others.
 *  @param ended names of this tab's tasks that are over, whose jobs the engine may still tell for a moment */
export function progressOf(
  tasks: readonly Task[],
  jobs: readonly BlockJob[],
  ended: readonly string[] = [],
): Progress[] {
  const left = [...jobs]
  const mine = tasks.map(task => {
    const at = task.running ? left.findIndex(job => job.kind === task.kind && job.name === task.name) : -1
    return ofTask(task, at < 0 ? undefined : left.splice(at, 1)[0])
  })
  const others = left.filter(job => !ended.includes(job.name))
  return [...mine, ...others.map(job => ({ ...job, key: `job-${job.id}`, cancel: null }))]
}

function ofTask({ id, kind, name, done, running, cancel }: Task, job: BlockJob | undefined): Progress {
  const phase = job?.phase ?? (running ? 'starting' : 'waiting')
  return { key: `task-${id}`, kind, name, phase, cancel, done: job?.done ?? done, total: job?.total ?? null }
}

/** `12.0 MiB of 40.0 MiB`, or what there is to say of it. */
export function bytesText({ done, total }: Pick<Progress, 'done' | 'total'>): string {
  if (total !== null) return texts.blocks.bytesOf(formatBytes(done), formatBytes(total))
  return done > 0 ? formatBytes(done) : ''
}

export function importedOutcome(name: string, { imported, known, remarks }: ImportReport): Outcome {
  const { blocks: t } = texts
  const parts = [
    ...(imported.length > 0 ? [t.imported(imported.length)] : []),
    ...(known.length > 0 ? [t.known(known.length)] : []),
  ]
  return { failed: false, text: `${name}: ${parts.join(', ') || t.importedNone}.`, remarks }
}

export function exportedOutcome(fileName: string, bytes: number): Outcome {
  return { failed: false, text: texts.blocks.exported(fileName, formatBytes(bytes)) }
}
