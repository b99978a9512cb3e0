import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { createApp } from './app.ts'
import { parseFlags } from './flags.ts'
import { listen, PortInUseError, type Listening } from './listen.ts'
import { SidecarMetrics } from './metrics.ts'

// Run from its source nothing has been put in its place.
const version = typeof __APP_VERSION__ === 'undefined' ? 'dev' : __APP_VERSION__

const command = parseFlags(process.argv.slice(2), version)
if (command.kind === 'print') console.log(command.text)
else if (command.kind === 'refuse') fail(command.reason, 2)
else await serve(command.port)

async function serve(port: number): Promise<void> {
  const app = createApp({
    root: join(import.meta.dirname, '../dist'),
    metrics: new SidecarMetrics(version),
  })
  let listening: Listening
  try {
    listening = await listen(getRequestListener(app.fetch), port)
  } catch (error) {
    if (!(error instanceof PortInUseError)) throw error
    fail(`${error.message}; choose another with --port (npm start -- --port ${port + 1})`, 1)
    return
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void listening.close())
  console.log(`Brazier is at http://localhost:${listening.port} (Ctrl-C ends it)`)
}

function fail(reason: string, code: number): void {
  console.error(`brazier: ${reason}`)
  process.exitCode = code
}
