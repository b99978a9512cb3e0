// npm run dev: Vite's server with hot reload and, behind its /sidecar, the sidecar, restarted at every edit.
import { spawn } from 'node:child_process'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { createServer } from 'vite'

const root = join(import.meta.dirname, '..')
const { values } = parseArgs({ options: { port: { type: 'string', default: '9099' } } })
const port = Number(values.port)

/** A port that was free a moment ago. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createTcpServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

const sidecarPort = await freePort()
const vite = await createServer({
  root,
  server: {
    host: 'localhost',
    port,
    strictPort: true,
    proxy: { '/sidecar': { target: `http://localhost:${sidecarPort}`, changeOrigin: true } },
  },
})
try {
  await vite.listen()
} catch (error) {
  await vite.close()
  console.error(`brazier: ${error.message}; choose another with --port (npm run dev -- --port ${port + 1})`)
  process.exit(1)
}

const tsx = join(root, 'node_modules/tsx/dist/cli.mjs')
const sidecar = spawn(
  process.execPath,
  [tsx, 'watch', '--clear-screen=false', join(root, 'sidecar/main.ts'), '--port', String(sidecarPort)],
  // Its own address would only mislead.
  { stdio: ['ignore', 'ignore', 'inherit'] },
)
let ending = false
async function end() {
  if (ending) return
  ending = true
  sidecar.kill('SIGTERM')
  await vite.close()
}
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, end)
sidecar.on('exit', code => {
  if (ending) return
  console.error(`brazier: the sidecar ended with code ${code}; the page goes on without it`)
})
console.log(`Brazier is at http://localhost:${port} (Ctrl-C ends it)`)
