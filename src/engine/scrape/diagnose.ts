import type { Diagnosis } from '../model/target.ts'
import type { Surroundings } from './loop.ts'
import { withTimeout } from './request.ts'
import type { Target } from './target.ts'

// The user is waiting for the answer.
const longestMs = 5000

/** Finds out why a target cannot be read. What a page may not read looks to it like what is down, but a request
 *  that gives up reading (`no-cors`) succeeds exactly when something answers. */
export async function diagnose(target: Target, { host, selfMetrics }: Surroundings): Promise<Diagnosis> {
  if (target.url === selfMetrics?.url) return { kind: 'readable' }
  const tryWith = (mode: 'cors' | 'no-cors') =>
    withTimeout(host, Math.min(target.timeoutMs, longestMs), new AbortController(), async signal => {
      const response = await host.fetch(target.url, { signal, mode })
      void response.body?.cancel().catch(() => undefined)
      return response
    })
  const answer = await tryWith('cors').catch(() => null)
  if (answer) return answer.status === 200 ? { kind: 'readable' } : { kind: 'http', status: answer.status }
  const opaque = await tryWith('no-cors').catch(() => null)
  return opaque ? { kind: 'cors', header: 'Access-Control-Allow-Origin: *' } : { kind: 'unreachable' }
}
