import type { Job } from '../config/config.ts'
import type { Registry } from '../metrics/registry.ts'
import type { Host } from '../model/host.ts'
import type { Appender } from '../model/store.ts'
import type { Diagnosis, TargetStatus } from '../model/target.ts'
import { diagnose } from './diagnose.ts'
import { ScrapeLoop, type SelfMetrics, type Surroundings } from './loop.ts'
import { scrapeMetrics } from './metrics.ts'
import { SidecarProxy } from './proxy.ts'
import { targetsOf, type Target } from './target.ts'

export interface ScrapeOptions {
  readonly host: Host
  /** A new appender for each scrape. */
  readonly appender: () => Appender
  readonly metrics: Registry
  /** Where the engine's own metrics would be, and what they are: that target is not asked over the network. */
  readonly selfMetrics?: SelfMetrics | null
  /** URL of the folder from which the page came, whose server may be a sidecar; null where targets are all asked
   *  straight, as Node does. */
  readonly proxyBase?: string | null
  /** Bytes that a body must stay below. */
  readonly bodyLimit?: number
}

const defaultBodyLimit = 64 * 2 ** 20

/** Scrapes the targets of a configuration (upstream's `scrape.Manager`). */
export class ScrapeManager {
  private readonly around: Surroundings
  /** Loops by the target's id, in the order of the configuration. */
  private loops = new Map<string, ScrapeLoop>()
  /** Loops of targets that are gone, until their series are marked as ended. */
  private readonly ending = new Set<ScrapeLoop>()
  private jobNames = new Set<string>()
  private stopped = false

  constructor(options: ScrapeOptions) {
    const { host, appender, selfMetrics = null, proxyBase = null, bodyLimit = defaultBodyLimit } = options
    const metrics = scrapeMetrics(options.metrics)
    const proxy = proxyBase === null ? null : new SidecarProxy(host, proxyBase)
    this.around = { host, appender, metrics, selfMetrics, proxy, bodyLimit }
  }

  /** Makes these the jobs that are scraped. A target that was there goes on undisturbed, a new one is scraped at
   *  once, and the series of one that is gone end. */
  apply(jobs: readonly Job[]): void {
    if (this.stopped) return
    const start = this.around.host.monotonic()
    const before = this.loops
    const targets = jobs.flatMap(targetsOf)
    this.around.proxy?.allow(targets.filter(({ proxied }) => proxied).map(({ url }) => url))
    this.loops = new Map()
    for (const target of targets) {
      this.loops.set(target.id, this.continued(before.get(target.id), target) ?? this.started(target))
    }
    const kept = new Set(this.loops.values())
    for (const loop of before.values()) if (!kept.has(loop)) this.end(loop)
    this.countPools(jobs, (this.around.host.monotonic() - start) / 1000)
  }

  /** In the order of the configuration. */
  targets(): TargetStatus[] {
    return [...this.loops.values()].map(loop => loop.status)
  }

  /** Finds out why a target cannot be read.
   *  @throws Error when there is no target of that id */
  diagnose(id: string): Promise<Diagnosis> {
    const loop = this.loops.get(id)
    if (!loop) return Promise.reject(new Error(`no target ${id}`))
    return diagnose(loop.target, this.around)
  }

  /** Ends all scraping. Afterwards nothing is written; series are not marked as ended. */
  async stop(): Promise<void> {
    this.stopped = true
    await Promise.all([...this.loops.values(), ...this.ending].map(loop => loop.stop()))
    this.loops.clear()
    this.ending.clear()
  }

  /** The loop that scrapes this target already, or did so a moment ago, when it can go on. */
  private continued(loop: ScrapeLoop | undefined, target: Target): ScrapeLoop | null {
    const candidate = loop ?? [...this.ending].find(({ target: { id } }) => id === target.id)
    if (!candidate || !sameSeries(candidate.target, target)) return null
    this.ending.delete(candidate)
    candidate.update(target)
    return candidate
  }

  private started(target: Target): ScrapeLoop {
    const loop = new ScrapeLoop(target, this.around)
    loop.start()
    return loop
  }

  private end(loop: ScrapeLoop): void {
    this.ending.add(loop)
    loop.end(() => this.ending.delete(loop))
  }

  private countPools(jobs: readonly Job[], seconds: number): void {
    const { metrics } = this.around
    const names = new Set(jobs.map(({ name }) => name))
    for (const name of names) if (!this.jobNames.has(name)) metrics.pools.inc()
    const counts = new Map([...this.jobNames, ...names].map(name => [name, 0]))
    for (const { target } of this.loops.values()) counts.set(target.job, (counts.get(target.job) ?? 0) + 1)
    for (const [name, count] of counts) metrics.poolTargets.with(name).set(count)
    for (const name of names) {
      metrics.syncs.with(name).inc()
      metrics.syncSeconds.with(name).observe(seconds)
    }
    this.jobNames = names
  }
}

/** Whether the same exposition makes the same series for both. */
function sameSeries(a: Target, b: Target): boolean {
  return a.honorLabels === b.honorLabels && a.honorTimestamps === b.honorTimestamps
}
