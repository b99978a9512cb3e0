import type { TargetStatus } from '../../engine/api/service.ts'

export interface JobGroup {
  readonly job: string
  readonly targets: readonly TargetStatus[]
  readonly up: number
  readonly down: number
}

/** Targets by job, jobs in the order in which they first appear. */
export function groupByJob(targets: readonly TargetStatus[]): JobGroup[] {
  const jobs = new Map<string, TargetStatus[]>()
  for (const target of targets) {
    const group = jobs.get(target.job)
    if (group) group.push(target)
    else jobs.set(target.job, [target])
  }
  return Array.from(jobs, ([job, group]) => ({
    job,
    targets: group,
    up: group.filter(target => target.health === 'up').length,
    down: group.filter(target => target.health === 'down').length,
  }))
}

/** An expression for the series of a target. */
export function seriesOf(target: Pick<TargetStatus, 'labels'>): string {
  const pairs: string[] = []
  for (let i = 0; i < target.labels.length; i += 2) {
    const name = target.labels[i] ?? ''
    if (name === 'job' || name === 'instance') pairs.push(`${name}=${JSON.stringify(target.labels[i + 1])}`)
  }
  return `{${pairs.join(', ')}}`
}
