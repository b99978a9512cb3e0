import { randomBytes } from 'node:crypto'

// An engine has one session. Whoever loses his, because others came or the sidecar was started anew, opens another.
const mostSessions = 64
const mostTargets = 10_000

/** The list of targets cannot be taken; the message says why. */
export class TargetListProblem extends Error {
  override readonly name = 'TargetListProblem'
}

/** What engines may ask the proxy for: under a token that nobody can guess, the targets of a configuration. */
export class Sessions {
  /** In the order in which they were used last. */
  readonly #targets = new Map<string, ReadonlySet<string>>()

  /** Opens a session without targets and answers its token. */
  open(): string {
    const token = randomBytes(32).toString('base64url')
    this.#targets.set(token, new Set())
    for (const oldest of this.#targets.keys()) {
      if (this.#targets.size <= mostSessions) break
      this.#targets.delete(oldest)
    }
    return token
  }

  /** The targets of a session; null when there is no such session (any more). */
  targets(token: string): ReadonlySet<string> | null {
    const targets = this.#targets.get(token)
    if (!targets) return null
    this.#targets.delete(token)
    this.#targets.set(token, targets)
    return targets
  }

  /** Makes these the targets of a session; false when there is no such session. */
  replace(token: string, targets: ReadonlySet<string>): boolean {
    if (this.targets(token) === null) return false
    this.#targets.set(token, targets)
    return true
  }
}

/** Reads a JSON list of URLs, each in the form in which `targetHref` compares them.
 *  @throws TargetListProblem */
export function readTargetList(text: string): ReadonlySet<string> {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    throw new TargetListProblem('want a JSON list of URLs, have no JSON')
  }
  if (!Array.isArray(list)) throw new TargetListProblem('want a JSON list of URLs, have no list')
  if (list.length > mostTargets)
    throw new TargetListProblem(`want at most ${mostTargets} targets, have ${list.length}`)
  return new Set(list.map(hrefOrProblem))
}

/** The one spelling of a target's URL, without its fragment, which no server sees; null when it is none that can be
 *  fetched without credentials. */
export function targetHref(url: string, base?: URL): string | null {
  if (!URL.canParse(url, base?.href)) return null
  const parsed = new URL(url, base)
  if (!/^https?:$/.test(parsed.protocol) || parsed.username !== '' || parsed.password !== '') return null
  parsed.hash = ''
  return parsed.href
}

function hrefOrProblem(url: unknown, i: number): string {
  const href = typeof url === 'string' ? targetHref(url) : null
  if (href !== null) return href
  throw new TargetListProblem(
    `want an http or https URL without credentials at ${i}, have ${JSON.stringify(url)}`,
  )
}
