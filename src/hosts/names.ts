/** Names of everything that an origin has in common. They carry the path under which the page lies, so that two
 *  copies on one origin do not meet. */
export interface Names {
  /** Held exclusively by the engine for as long as it lives: whoever holds it is the only writer. */
  readonly lock: string
  /** Held by the tab whose dedicated worker is, or waits to be, the engine. */
  readonly leaderLock: string
  /** Held while a tab replaces an engine that does not answer. */
  readonly rescueLock: string
  /** Channel of `Notice`s between engine and tabs. */
  readonly channel: string
  /** Channel of the HTTP API between engine and Service Worker. */
  readonly apiChannel: string
  /** Scope of the databases. */
  readonly store: string
  /** Key in `localStorage`: how often an engine was given up as hung. */
  readonly generation: string
  /** Key in `sessionStorage`: for which engine the tab was loaded anew. */
  readonly reloaded: string
  /** Prefix of the Service Worker's caches. */
  readonly cache: string
  /** Held by a tab for as long as it lives. */
  tabLock(tab: string): string
  /** Channel between a tab and an engine that no port joins; `id` is the tab's choice. */
  door(id: string): string
  /** A worker of this name is shared by all tabs of one build; a hung one is left behind by a new generation. */
  worker(build: number, generation: number): string
}

/** Generation in the name of a shared worker. */
export function generationOf(worker: string): number {
  return Number(/\.(\d+)$/.exec(worker)?.[1] ?? 0)
}

/** @param base path of the page's folder, with a slash at both ends */
export function namesFor(base: string): Names {
  const name = `brazier:${base}`
  return {
    lock: `${name}#engine`,
    leaderLock: `${name}#leader`,
    rescueLock: `${name}#rescue`,
    channel: `${name}#notices`,
    apiChannel: `${name}#api`,
    store: name,
    generation: `${name}#generation`,
    reloaded: `${name}#reloaded`,
    cache: `${name}#shell:`,
    tabLock: tab => `${name}#tab:${tab}`,
    door: id => `${name}#door:${id}`,
    worker: (build, generation) => `${name}#${build}.${generation}`,
  }
}
