import type { FetchInit, Host } from '../model/host.ts'
import { readBody, withTimeout } from './request.ts'
import { Turns } from './turns.ts'
import { accept, reasonOf, type MetricsRequest, type Way } from './way.ts'

// As sidecar/proxy.ts has them.
const tokenHeader = 'x-brazier-token'
const failureHeader = 'x-brazier-proxy'

// A browser opens six connections to a host. The page needs some of them, too.
const mostAtOnce = 3
const longestText = 2 ** 16
const tellWithinMs = 10_000

/** The sidecar did not bring a target's answer. `unreachable`: nothing answers at the target; `session`: the sidecar
 *  does not know this engine any more; `failed`: anything else, such as a sidecar that is not there. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly kind: 'session' | 'unreachable' | 'failed'

  constructor(kind: ProxyError['kind'], message: string) {
    super(message)
    this.kind = kind
  }
}

/** The way through the sidecar that serves the page, for targets that let no page read them: a few at a time, and
 *  only to the targets that it was told of. */
export class SidecarProxy implements Way {
  private readonly host: Host
  private readonly base: string
  private readonly turns = new Turns(mostAtOnce)
  private readonly admission = new Turns(1)
  private token: string | null = null
  private targets: readonly string[] = []
  /** The list that the sidecar has under the token. */
  private told: readonly string[] | null = null

  /** @param base URL of the page's folder, with a slash at the end */
  constructor(host: Host, base: string) {
    this.host = host
    this.base = base
  }

  /** Makes these URLs all that may be asked for. */
  allow(targets: readonly string[]): void {
    this.targets = targets
    // A list that was never needed need not be told; one that was may have to shrink at once.
    if (this.token === null) return
    const telling = withTimeout(this.host, tellWithinMs, new AbortController(), signal =>
      this.admitted(signal),
    )
    // The next request tells it again, and fails visibly.
    telling.catch(() => undefined)
  }

  /** Whether there is a sidecar that would do it. */
  async available(signal: AbortSignal): Promise<boolean> {
    try {
      await this.inSession(signal, async () => undefined)
      return true
    } catch {
      return false
    }
  }

  async ask<T>(request: MetricsRequest, read: (response: Response) => Promise<T>): Promise<T> {
    const { timeoutMs, signal } = request
    const start = this.host.monotonic()
    let waitedMs: number | null = null
    try {
      return await this.turns.take(signal, () => {
        waitedMs = this.host.monotonic() - start
        return this.inSession(signal, async token => read(await this.passed(request, token)))
      })
    } catch (error) {
      waitedMs ??= this.host.monotonic() - start
      // A target is not to blame for the others before it.
      if (!signal.aborted || waitedMs < timeoutMs / 2) throw error
      const rule = `the server of this page scrapes ${mostAtOnce} targets at a time`
      throw new ProxyError(
        'failed',
        `${reasonOf(error)}, ${Math.round(waitedMs / 100) / 10}s of it spent waiting: ${rule}`,
      )
    }
  }

  /** Runs `action` in a session, and once more when the sidecar has been started anew and knows nobody: that costs
   *  no scrape. */
  private async inSession<T>(signal: AbortSignal, action: (token: string) => Promise<T>): Promise<T> {
    const once = async () => action(await this.admitted(signal))
    try {
      return await once()
    } catch (error) {
      if (error instanceof ProxyError && error.kind === 'session') return once()
      throw error
    }
  }

  /** The token of a session in which the sidecar knows the targets. */
  private admitted(signal: AbortSignal): Promise<string> {
    return this.admission.take(signal, async () => {
      const token = (this.token ??= await this.openSession(signal))
      const { targets } = this
      if (this.told === targets) return token
      await this.fetch('sidecar/targets', {
        method: 'POST',
        headers: { 'content-type': 'application/json', [tokenHeader]: token },
        body: JSON.stringify(targets),
        signal,
      })
      this.told = targets
      return token
    })
  }

  private async openSession(signal: AbortSignal): Promise<string> {
    const response = await this.fetch('sidecar/session', { signal })
    // A static host has none, or answers every path with the page.
    const token = response.ok ? tokenIn(await readText(response, signal)) : null
    if (token === null) {
      throw new ProxyError(
        'failed',
        'the server of this page reads no targets for it: npm start has one that does',
      )
    }
    this.told = null
    return token
  }

  private passed({ url, timeoutMs, signal }: MetricsRequest, token: string): Promise<Response> {
    return this.fetch(`proxy?url=${encodeURIComponent(url)}`, {
      headers: {
        accept,
        'x-prometheus-scrape-timeout-seconds': String(timeoutMs / 1000),
        [tokenHeader]: token,
      },
      signal,
    })
  }

  /** An answer of the sidecar that is not a failure of its own. */
  private async fetch(path: string, init: FetchInit): Promise<Response> {
    const response = await this.answered(path, init)
    const kind = response.headers.get(failureHeader)
    if (kind === null) return response
    const reason = await readText(response, init.signal)
    // Another request may have opened the next session already.
    if (kind === 'session' && init.headers?.[tokenHeader] === this.token) this.token = null
    throw new ProxyError(
      kind === 'session' || kind === 'unreachable' ? kind : 'failed',
      `through the server of this page: ${reason.trim()}`,
    )
  }

  private async answered(path: string, init: FetchInit): Promise<Response> {
    try {
      return await this.host.fetch(this.base + path, init)
    } catch (error) {
      init.signal.throwIfAborted()
      throw new ProxyError('failed', `the server of this page does not answer: ${reasonOf(error)}`)
    }
  }
}

async function readText(response: Response, signal: AbortSignal): Promise<string> {
  return new TextDecoder().decode(await readBody(response, signal, longestText))
}

function tokenIn(text: string): string | null {
  try {
    const session = JSON.parse(text) as { readonly token?: unknown } | null
    return typeof session?.token === 'string' ? session.token : null
  } catch {
    return null
  }
}
