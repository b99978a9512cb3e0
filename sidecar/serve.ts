// The engine on a folder, behind HTTP.
//
//   flags ─▶ configuration ─▶ listen ─▶ open the folder ─▶ serve ─▶ (SIGTERM, SIGINT) ─▶ stop listening ─▶ close
//
// It listens before the folder is open, as Prometheus does, so that a busy port is found out at once and clients
// can ask whether it is ready.
import { readFile } from 'node:fs/promises'
import { getRequestListener } from '@hono/node-server'
import { openNodeEngine, StartError, type NodeEngine } from '../src/hosts/node.ts'
import { listen, listenAt, PortInUseError, type Address, type Listening } from './listen.ts'
import { createServeApp, isLoopback, type Handle } from './serveapp.ts'
import { parseServeFlags, type ServeCommand } from './serveflags.ts'

// Run from its source nothing has been put in its place.
const version = typeof __APP_VERSION__ === 'undefined' ? 'dev' : __APP_VERSION__
const build = typeof __BUILD__ === 'undefined' ? 0 : __BUILD__

const command = parseServeFlags(process.argv.slice(2), version)
if (command.kind === 'print') console.log(command.text)
else if (command.kind === 'refuse') fail(command.reason, 2)
else await serve(command).catch(explain)

async function serve({ data, config, address }: ServeCommand & { kind: 'serve' }): Promise<void> {
  const asked = new Promise<void>(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
  })
  const given = config === null ? null : { file: config, text: await readFile(config, 'utf8') }
  let handle: Handle | null = null
  const app = createServeApp({ handle: () => handle, loopback: isLoopback(address.host) })
  const listening = await listenTo(address, getRequestListener(app.fetch))
  let engine: NodeEngine | null = null
  try {
    engine = await openNodeEngine({ folder: data, config: given, version, build, log: console.error })
    handle = engine.handle
    console.log(`Brazier answers at ${urlOf({ ...address, port: listening.port })} (Ctrl-C ends it)`)
    await asked
  } finally {
    await listening.close()
    await engine?.close()
  }
}

function listenTo(address: Address, handler: ReturnType<typeof getRequestListener>): Promise<Listening> {
  return address.host === 'localhost' ? listen(handler, address.port) : listenAt(handler, address)
}

function urlOf({ host, port }: Address): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** One line for what the user can put right; what else happens is a fault of the program, with its trace. */
function explain(error: unknown): void {
  if (!(error instanceof Error)) throw error
  if (error instanceof PortInUseError) fail(`${error.message}; choose another with --listen`, 1)
  else if (error instanceof StartError || 'syscall' in error) fail(error.message, 1)
  else throw error
}

function fail(reason: string, code: number): void {
  console.error(`brazier: ${reason}`)
  process.exitCode = code
}
