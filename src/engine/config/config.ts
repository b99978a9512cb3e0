import type { Labels } from '../model/labels.ts'

/** A configuration with every default filled in: behind this nobody looks at YAML. */
export interface Config {
  readonly global: GlobalConfig
  readonly jobs: readonly Job[]
}

export interface GlobalConfig {
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly externalLabels: Labels
}

/** An entry of `scrape_configs`. */
export interface Job {
  readonly name: string
  readonly intervalMs: number
  /** At most the interval. */
  readonly timeoutMs: number
  readonly metricsPath: string
  readonly scheme: 'http' | 'https'
  /** Parameters of the URL's query, each with its values. */
  readonly params: Params
  /** Whether a label that target and exposition both have is the exposition's. */
  readonly honorLabels: boolean
  /** Whether timestamps in the exposition count. */
  readonly honorTimestamps: boolean
  readonly staticConfigs: readonly TargetGroup[]
}

export type Params = Readonly<Record<string, readonly string[]>>

/** Addresses (`host:port`) that share labels. */
export interface TargetGroup {
  readonly targets: readonly string[]
  readonly labels: Readonly<Record<string, string>>
}
