import { once } from 'node:events'
import { createWriteStream, openAsBlob, type Stats } from 'node:fs'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, relative, sep } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { NodeStore } from '../src/hosts/nodestore.ts'
import { blockTable, reportText } from './tsdbtables.ts'
import type { TsdbTask } from './tsdbflags.ts'

/** It cannot be done for a reason that is the user's to put right: one line. */
export class TaskError extends Error {
  override readonly name = 'TaskError'
}

export interface Surroundings {
  open(folder: string): Promise<NodeStore>
  readonly out: Writable
  readonly input: Readable
  /** Ends the task with its reason. */
  readonly signal: AbortSignal
}

type Task<Kind extends TsdbTask['kind']> = TsdbTask & { readonly kind: Kind }
type Service = NodeStore['service']

/** Opens the store, does one thing and closes it. */
export async function runTask(task: TsdbTask, around: Surroundings): Promise<void> {
  // What makes a store may make its folder, too.
  if (task.kind !== 'backfill' && task.kind !== 'import') await wantFolder(task.dir)
  if (task.kind === 'import' || (task.kind === 'backfill' && task.file !== '-')) {
    await statOf(task.kind === 'import' ? task.source : task.file)
  }
  const store = await around.open(task.dir)
  try {
    await doTask(task, store.service, around)
  } finally {
    await store.close()
  }
}

function doTask(task: TsdbTask, service: Service, around: Surroundings): Promise<void> {
  switch (task.kind) {
    case 'list':
      return list(service, around)
    case 'dump':
      return dump(task, service, around)
    case 'backfill':
      return backfill(task, service, around)
    case 'import':
      return importSource(task, service, around)
    case 'export':
      return exportStore(task, service, around)
    case 'snapshot':
      return snapshot(task, service, around)
    case 'delete':
      return service.deleteSeries({ match: task.match, ...task.times })
    case 'clean':
      return service.cleanTombstones()
    case 'compact':
      return service.compact()
  }
}

async function list(service: Service, { out }: Surroundings): Promise<void> {
  const { blocks, broken } = await service.blocks()
  out.write(blockTable(blocks))
  const [first] = broken
  if (first)
    throw new TaskError(`${broken.length} blocks cannot be opened, such as ${first.ulid}: ${first.error}`)
}

async function dump(
  { match, times }: Task<'dump'>,
  service: Service,
  { out, signal }: Surroundings,
): Promise<void> {
  const ticket = await service.openExport(
    { kind: 'text', match, minT: times.minT, maxT: times.maxT + 1 },
    signal,
  )
  await read(service, ticket.id, out, signal)
}

async function backfill({ file }: Task<'backfill'>, service: Service, around: Surroundings): Promise<void> {
  const { out, input, signal } = around
  if (file !== '-') {
    const bytes = await openAsBlob(file)
    const report = await service.importBlocks({ kind: 'text', name: basename(file), bytes }, signal)
    out.write(reportText(report))
    return
  }
  await withTemporary(async path => {
    await pipeline(input, createWriteStream(path), { signal })
    const report = await service.importBlocks(
      { kind: 'text', name: '-', bytes: await openAsBlob(path) },
      signal,
    )
    out.write(reportText(report))
  })
}

async function importSource(
  { source }: Task<'import'>,
  service: Service,
  around: Surroundings,
): Promise<void> {
  const name = basename(source)
  const folder = (await statOf(source)).isDirectory()
  const given = folder
    ? ({ kind: 'folder', name, files: await filesIn(source) } as const)
    : ({ kind: 'archive', name, bytes: await openAsBlob(source) } as const)
  around.out.write(reportText(await service.importBlocks(given, around.signal)))
}

async function exportStore(
  { file, format }: Task<'export'>,
  service: Service,
  { signal }: Surroundings,
): Promise<void> {
  const ticket = await service.openExport({ kind: 'directory', format }, signal)
  const target = createWriteStream(file)
  try {
    await once(target, 'open')
    await read(service, ticket.id, target, signal)
    target.end()
    await once(target, 'finish')
  } catch (error) {
    target.destroy()
    // Half an archive is none; what cannot be removed was never there.
    if (target.pending) throw error
    await rm(file, { force: true })
    throw error
  }
}

async function snapshot(
  { dir, skipHead }: Task<'snapshot'>,
  service: Service,
  { out }: Surroundings,
): Promise<void> {
  const { name } = await service.snapshot({ skipHead })
  out.write(`${join(dir, 'snapshots', name)}\n`)
}

/** Reads an export to its end, as fast as the target takes it. */
async function read(service: Service, id: number, target: Writable, signal: AbortSignal): Promise<void> {
  try {
    for (;;) {
      signal.throwIfAborted()
      const piece = await service.readExport(id)
      if (piece === null) return
      if (!target.write(piece)) await once(target, 'drain', { signal })
    }
  } catch (error) {
    await service.closeExport(id)
    // An AbortError of Node's own has the reason inside.
    throw signal.aborted ? signal.reason : error
  }
}

async function filesIn(folder: string): Promise<{ path: string; bytes: Blob }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  return Promise.all(
    paths.map(async path => ({
      path: relative(folder, path).split(sep).join('/'),
      bytes: await openAsBlob(path),
    })),
  )
}

async function withTemporary(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'brazier-'))
  try {
    await use(join(folder, 'samples'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function wantFolder(path: string): Promise<void> {
  if (!(await statOf(path)).isDirectory()) throw new TaskError(`want a folder, have the file ${path}`)
}

async function statOf(path: string): Promise<Stats> {
  try {
    return await stat(path)
  } catch (cause) {
    throw new TaskError(`there is no ${path}`, { cause })
  }
}
