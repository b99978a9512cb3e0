import type { Host } from '../model/host.ts'

// Above 128 bytes a browser asks the target's leave before every scrape, which exporters do not answer.
export const accept = 'text/plain;version=1.0.0;escaping=allow-utf-8,text/plain;version=0.0.4;q=0.9,*/*;q=0.1'

/** A request for metrics. */
export interface MetricsRequest {
  readonly url: string
  /** What the signal keeps to, for who wants to tell it. */
  readonly timeoutMs: number
  readonly signal: AbortSignal
}

/** How a request reaches a target. */
export interface Way {
  /** Asks and hands the answer to `read`; whatever the request takes up is taken until that has ended.
   *  @throws Error whose message is meant for the user; the signal's reason when aborted */
  ask<T>(request: MetricsRequest, read: (response: Response) => Promise<T>): Promise<T>
}

/** From here to there. */
export function straightWay(host: Host): Way {
  return {
    async ask({ url, signal }, read) {
      return read(await answered(host, url, signal))
    },
  }
}

async function answered(host: Host, url: string, signal: AbortSignal): Promise<Response> {
  try {
    return await host.fetch(url, { headers: { accept }, signal })
  } catch (error) {
    signal.throwIfAborted()
    throw new Error(reasonOf(error), { cause: error })
  }
}

/** A browser does not tell apart what is down, refused by CORS or unknown to DNS; Node gives the cause. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ''
  return (error instanceof Error ? error.message : String(error)) + cause
}
