import type { Job } from '../config/config.ts'
import { isProxied, metaLabels, targetUrl } from '../config/url.ts'
import { labelsFrom, labelsKey, type Labels } from '../model/labels.ts'

/** Something to scrape, with all that its job says about it. */
export interface Target {
  /** Equal for targets with the same job, URL and labels, whatever else the configuration says. */
  readonly id: string
  readonly job: string
  readonly url: string
  /** What its series get: `job`, `instance` and the labels of its group. */
  readonly labels: Labels
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly honorLabels: boolean
  readonly honorTimestamps: boolean
  /** Whether it is asked through the sidecar. */
  readonly proxied: boolean
  /** In [0, 2^32), even over all targets: where in the interval its slots lie. */
  readonly hash: number
}

/** The targets of a job; the same one named twice is there once (upstream's `PopulateLabels`). */
export function targetsOf(job: Job): Target[] {
  const byId = new Map<string, Target>()
  for (const group of job.staticConfigs) {
    for (const address of group.targets) {
      const target = targetOf(job, address, group.labels)
      byId.set(target.id, target)
    }
  }
  return [...byId.values()]
}

function targetOf(job: Job, address: string, given: Readonly<Record<string, string>>): Target {
  const { intervalMs, timeoutMs, honorLabels, honorTimestamps } = job
  const url = targetUrl(job, address, given)
  const instance = given[metaLabels.address] || address
  const labels = labelsFrom([
    ...Object.entries(given).filter(([name]) => !name.startsWith('__')),
    ['job', given['job'] || job.name],
    ['instance', given['instance'] || instance],
  ])
  const identity = [job.name, url, labelsKey(labels)].join('\n')
  const hash = fnv1a(identity, 0x811c9dc5)
  const id = [hash, fnv1a(identity, hash)].map(half => half.toString(16).padStart(8, '0')).join('')
  const settings = { intervalMs, timeoutMs, honorLabels, honorTimestamps, proxied: isProxied(given) }
  return { id, job: job.name, url, labels, ...settings, hash }
}

/** FNV-1a over UTF-16 units, with a last mix because its low bits alone decide about short intervals. */
function fnv1a(text: string, seed: number): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}
