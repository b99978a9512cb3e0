import type { Job, Params } from './config.ts'

/** Labels of a target that say how to reach it (upstream's `PopulateLabels`). */
export const metaLabels = {
  address: '__address__',
  scheme: '__scheme__',
  path: '__metrics_path__',
  param: '__param_',
  /** Brazier's own, with the value "true": ask it through the sidecar. Prometheus drops labels of this form, so the
   *  file stays one for it, too. */
  proxy: '__brazier_proxy__',
} as const

export function isProxied(labels: Readonly<Record<string, string>>): boolean {
  return labels[metaLabels.proxy] === 'true'
}

/** The URL at which a target of a job is scraped. Labels of its group may name another scheme, path, address or
 *  the first value of a parameter (upstream's `Target.URL`). */
export function targetUrl(job: Job, address: string, labels: Readonly<Record<string, string>>): string {
  const scheme = labels[metaLabels.scheme] || job.scheme
  const host = labels[metaLabels.address] || address
  const path = labels[metaLabels.path] || job.metricsPath
  const query = queryOf(withParamLabels(job.params, labels))
  const slash = path.startsWith('/') ? '' : '/'
  return `${scheme}://${host}${slash}${escapePath(path)}${query && `?${query}`}`
}

function withParamLabels(params: Params, labels: Readonly<Record<string, string>>): Params {
  const all: Record<string, readonly string[]> = { ...params }
  for (const [name, value] of Object.entries(labels)) {
    if (!name.startsWith(metaLabels.param)) continue
    const key = name.slice(metaLabels.param.length)
    all[key] = [value, ...(all[key] ?? []).slice(1)]
  }
  return all
}

/** Sorted by name, as Go's `url.Values.Encode` has it. */
function queryOf(params: Params): string {
  const query = new URLSearchParams()
  for (const name of Object.keys(params).sort()) {
    for (const value of params[name] ?? []) query.append(name, value)
  }
  return query.toString()
}

/** A path may hold anything; what would end it is escaped. Escapes that are there already stay. */
function escapePath(path: string): string {
  return encodeURI(path)
    .replace(/%25([0-9A-Fa-f]{2})/g, '%$1')
    .replace(/[?#]/g, encodeURIComponent)
}
