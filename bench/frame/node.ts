import { fork } from 'node:child_process'
import type { Cases, Realm } from './realm.ts'

type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string }

/** Starts a process of Node with a bundle that ends in `serveCases`. */
export async function nodeRealm<C extends Cases>(script: string): Promise<Realm<C>> {
  const child = fork(script, { execArgv: ['--expose-gc', '--max-old-space-size=6000'] })
  const ended = new Promise<never>((_, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`${script} ended with ${code}`)))
  })
  ended.catch(() => undefined)
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const ask = async (name: string, args: readonly unknown[]): Promise<unknown> => {
    const answered = new Promise<Answer>(resolve =>
      child.once('message', message => resolve(message as Answer)),
    )
    child.send({ name, args })
    const answer = await Promise.race([answered, ended])
    if (answer.ok) return answer.value
    throw new Error(`${name}: ${answer.error}`)
  }
  return {
    // What the case answers is what its type says: the bundle is made of the same source.
    call: (name, ...args) => ask(name, args) as never,
    heapBytes: () => ask(heapCase, []) as Promise<number>,
    async stop() {
      process.off('exit', kill)
      child.kill('SIGTERM')
      await ended.catch(() => undefined)
    },
  }
}

const heapCase = 'heapBytes'

/** Makes this process a realm. */
export function serveCases(cases: Cases): void {
  const all = { ...cases, [heapCase]: heapBytes } as Record<string, (...args: unknown[]) => unknown>
  process.on('message', (message: { name: string; args: unknown[] }) => {
    void answer(all, message).then(made => process.send?.(made))
  })
  process.once('disconnect', () => process.exit())
}

async function answer(
  cases: Record<string, (...args: unknown[]) => unknown>,
  { name, args }: { name: string; args: unknown[] },
): Promise<Answer> {
  try {
    return { ok: true, value: await cases[name]?.(...args) }
  } catch (error) {
    return { ok: false, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

function heapBytes(): number {
  for (let i = 0; i < 2; i++) globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
