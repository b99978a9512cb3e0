import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

/** The sidecar's own metrics; the engine's are elsewhere and under Prometheus's names. */
export class SidecarMetrics {
  readonly #registry = new Registry()
  readonly #requests = new Counter({
    name: 'brazier_sidecar_http_requests_total',
    help: 'Requests answered, by handler and status code.',
    labelNames: ['handler', 'code'],
    registers: [this.#registry],
  })
  readonly #durations = new Histogram({
    name: 'brazier_sidecar_http_request_duration_seconds',
    help: 'Time until the answer began, by handler.',
    labelNames: ['handler'],
    buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10],
    registers: [this.#registry],
  })

  constructor(version: string) {
    // Its own choice of 10 ms would wake an idle laptop a hundred times a second.
    collectDefaultMetrics({ register: this.#registry, eventLoopMonitoringPrecision: 100 })
    new Gauge({
      name: 'brazier_sidecar_build_info',
      help: 'Always 1; the labels tell the version.',
      labelNames: ['version', 'nodeversion'],
      registers: [this.#registry],
    }).set({ version, nodeversion: process.versions.node }, 1)
  }

  /** Counts a request. `handler` is one of a few fixed words, never a path that a client chose. */
  observe(handler: string, status: number, seconds: number): void {
    this.#requests.inc({ handler, code: status })
    this.#durations.observe({ handler }, seconds)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** Text format 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics()
  }
}
