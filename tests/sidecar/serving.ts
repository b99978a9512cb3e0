import { join } from 'node:path'
import { freePort, start, type Program } from '../programs.ts'

const root = join(import.meta.dirname, '../..')

/** The program without a build. */
export const serveFromSource = ['--import', 'tsx', 'sidecar/serve.ts']

/** Starts `npm run serve` on a free port, and waits until it is ready. */
export async function startServe(...args: string[]): Promise<Program & { readonly url: string }> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const all = [...serveFromSource, ...args, '--listen', `127.0.0.1:${port}`]
  const program = await start(process.execPath, all, { cwd: root, ready: `${url}/-/ready` })
  return { ...program, url }
}
