import type { Diagnosis } from '../model/target.ts'
import type { Surroundings } from './loop.ts'
import { ProxyError, type SidecarProxy } from './proxy.ts'
import { withTimeout } from './request.ts'
import type { Target } from './target.ts'

// The user is waiting for the answer.
const longestMs = 5000

/** Finds out why a target cannot be read. */
export async function diagnose(target: Target, around: Surroundings): Promise<Diagnosis> {
  const { selfMetrics, proxy } = around
  if (target.url === selfMetrics?.url) return { kind: 'readable' }
  return target.proxied && proxy ? throughProxy(target, around, proxy) : straight(target, around)
}

/** What a page may not read looks to it like what is down, but a request that gives up reading (`no-cors`)
 *  succeeds exactly when something answers. */
async function straight(target: Target, { host, proxy }: Surroundings): Promise<Diagnosis> {
  const tryWith = (mode: 'cors' | 'no-cors') =>
    inTime(target, host, async signal => {
      const response = await host.fetch(target.url, { signal, mode })
      void response.body?.cancel().catch(() => undefined)
      return response
    })
  const answer = await tryWith('cors').catch(() => null)
  if (answer) return ofStatus(answer.status)
  const opaque = await tryWith('no-cors').catch(() => null)
  if (!opaque) return { kind: 'unreachable' }
  const remedy = proxy !== null && (await inTime(target, host, signal => proxy.available(signal)))
  return { kind: 'cors', header: 'Access-Control-Allow-Origin: *', proxy: remedy }
}

async function throughProxy(target: Target, { host }: Surroundings, proxy: SidecarProxy): Promise<Diagnosis> {
  const { url, timeoutMs } = target
  try {
    const status = await inTime(target, host, signal =>
      proxy.ask({ url, timeoutMs, signal }, response => {
        void response.body?.cancel().catch(() => undefined)
        return Promise.resolve(response.status)
      }),
    )
    return ofStatus(status)
  } catch (error) {
    const failed = error instanceof ProxyError && error.kind !== 'unreachable'
    return failed ? { kind: 'proxy', error: error.message } : { kind: 'unreachable' }
  }
}

function inTime<T>(
  { timeoutMs }: Target,
  host: Surroundings['host'],
  action: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withTimeout(host, Math.min(timeoutMs, longestMs), new AbortController(), action)
}

function ofStatus(status: number): Diagnosis {
  return status === 200 ? { kind: 'readable' } : { kind: 'http', status }
}
