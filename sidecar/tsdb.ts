// The store in a folder, from the command line.
//
//   flags ─▶ open the folder ─▶ one task ─▶ close
//
// npm run -s tsdb -- COMMAND …
import { StartError } from '../src/hosts/node.ts'
import { openNodeStore } from '../src/hosts/nodestore.ts'
import { runTask, TaskError } from './tsdbtasks.ts'
import { parseTsdbFlags, type TsdbTask } from './tsdbflags.ts'

// Run from its source nothing has been put in its place.
const version = typeof __APP_VERSION__ === 'undefined' ? 'dev' : __APP_VERSION__
const build = typeof __BUILD__ === 'undefined' ? 0 : __BUILD__

/** What the engine says of what it was given, by the names of its errors. */
const answers = new Set(['ImportError', 'QueryError', 'DiskFullError', 'Error'])

const command = parseTsdbFlags(process.argv.slice(2), version)
if (command.kind === 'print') console.log(command.text)
else if (command.kind === 'refuse') fail(command.reason, 2)
else await run(command.task).catch(explain)

async function run(task: TsdbTask): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort(new TaskError(`ended by ${signal}`)))
  }
  // A reader such as head goes away when it has enough.
  process.stdout.on('error', error => stop.abort(error))
  await runTask(task, {
    open: folder => openNodeStore({ folder, version, build, log: console.error }),
    out: process.stdout,
    input: process.stdin,
    signal: stop.signal,
  })
}

/** One line for what the user can put right; what else happens is a fault of the program, with its trace. */
function explain(error: unknown): void {
  if (!(error instanceof Error)) throw error
  if ('code' in error && error.code === 'EPIPE') return
  const known = error instanceof TaskError || error instanceof StartError || 'syscall' in error
  if (!known && (!answers.has(error.name) || error.message.startsWith('BUG:'))) throw error
  fail(error.message, 1)
}

function fail(reason: string, code: number): void {
  console.error(`tsdb: ${reason}`)
  process.exitCode = code
}
