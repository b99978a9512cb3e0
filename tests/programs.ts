import { spawn, type ChildProcess } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}

export interface Program {
  readonly pid: number
  /** What it has written so far, both streams. */
  log(): string
  /** Resolves with the exit code, or the signal's name, once it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** SIGTERM, then SIGKILL after 20 s. Resolves when it has ended; does nothing when it already has. */
  stop(): Promise<void>
}

export interface StartOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Resolves to true once it can be used; asked again and again. A URL stands for "answers 2xx". */
  readonly ready: string | ((program: Program) => boolean | Promise<boolean>)
  /** Default 120 s: machines may be busy. */
  readonly timeoutMs?: number
}

// Whatever a crashing test leaves behind ends with the test runner.
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Starts a program and waits until it is ready. Rejects with its log when it ends before, or is too slow. */
export async function start(path: string, args: readonly string[], options: StartOptions): Promise<Program> {
  const program = launch(path, args, options)
  const { timeoutMs = 120_000 } = options
  const deadline = Date.now() + timeoutMs
  let exit: number | NodeJS.Signals | undefined
  void program.ended.then(code => (exit = code))
  while (!(await isReady(program, options.ready))) {
    if (exit !== undefined)
      throw new Error(`${path} ended with ${exit} before it was ready:\n${program.log()}`)
    if (Date.now() > deadline) {
      await program.stop()
      throw new Error(`${path} was not ready within ${timeoutMs} ms:\n${program.log()}`)
    }
    await sleep(50)
  }
  return program
}

function launch(path: string, args: readonly string[], { cwd, env }: StartOptions): Program {
  const child = spawn(path, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  running.add(child)
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (log += String(chunk)))
  const ended = new Promise<number | NodeJS.Signals>(resolve => {
    child.once('error', error => {
      log += error.message
      running.delete(child)
      resolve(-1)
    })
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve(code ?? signal ?? -1)
    })
  })
  return { pid: child.pid ?? -1, log: () => log, ended, stop: () => stop(child, ended) }
}

async function stop(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  const impatience = setTimeout(() => child.kill('SIGKILL'), 60_000)
  child.kill('SIGTERM')
  await ended
  clearTimeout(impatience)
}

async function isReady(program: Program, ready: StartOptions['ready']): Promise<boolean> {
  if (typeof ready === 'function') return ready(program)
  // Node 20 has fetches that never settle, AbortSignal.timeout or not.
  return Promise.race([answers(ready), sleep(2000, false)])
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
