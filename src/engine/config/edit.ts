import { isMap, isSeq, type Document, type YAMLMap, type YAMLSeq } from 'yaml'
import { formatDuration } from '../model/duration.ts'
import { quote } from '../model/labels.ts'
import type { NewTarget } from '../model/target.ts'
import type { Job, TargetGroup } from './config.ts'
import { parseConfig } from './parse.ts'
import { isProxied, metaLabels, targetUrl } from './url.ts'
import { YamlText } from './yaml.ts'

/** The target cannot be added to this configuration; the message says why and is meant for the user. */
export class TargetProblem extends Error {
  override readonly name = 'TargetProblem'
}

/** The configuration with one more target, comments and order kept: in the job of that name when it scrapes
 *  the same path with the same scheme, parameters and interval, in a job of its own when there is none.
 *  @throws TargetProblem when the URL is not one to scrape, is a target already, or the job differs
 *  @throws SyntaxProblem when the configuration is not valid */
export function addTarget(text: string, target: NewTarget): string {
  const wanted = partsOf(target)
  const job = parseConfig(text).jobs.find(({ name }) => name === target.job)
  const { document } = new YamlText(text)
  if (job) {
    checkAgreement(job, wanted)
    if (urlsOf(job).includes(wanted.url)) {
      throw new TargetProblem(`${wanted.url} is a target of job ${quote(job.name)} already`)
    }
    addToJob(document, entryOf(document, job.name), wanted.address)
  } else {
    listIn(document, rootOf(document), 'scrape_configs').add(document.createNode(jobEntry(target, wanted)))
  }
  return printed(document)
}

/** The configuration without a target, and without the job that it was the last one of. A target that is not
 *  there leaves the text as it is.
 *  @throws SyntaxProblem when the configuration is not valid */
export function removeTarget(text: string, target: { readonly job: string; readonly url: string }): string {
  const job = parseConfig(text).jobs.find(({ name }) => name === target.job)
  if (!job || !urlsOf(job).includes(target.url)) return text
  const { document } = new YamlText(text)
  const entry = entryOf(document, job.name)
  const groups = listIn(document, entry, 'static_configs')
  // From behind, so that numbers stay true while items go.
  for (const [g, { targets, labels }] of [...job.staticConfigs.entries()].reverse()) {
    const kept = targets.filter(address => targetUrl(job, address, labels) !== target.url)
    if (kept.length === targets.length) continue
    if (kept.length === 0) groups.delete(g)
    else removeFrom(listIn(document, mapAt(groups, g), 'targets'), job, labels, target.url)
  }
  if (groups.items.length === 0) {
    const jobs = listIn(document, rootOf(document), 'scrape_configs')
    jobs.delete(jobs.items.indexOf(entry))
  }
  return printed(document)
}

/** The configuration with a target asked through the sidecar, or not any more: that is a label of its group, so it
 *  gets a group of its own, where it stood. A target that is not there leaves the text as it is.
 *  @throws TargetProblem when the text shares the place with other targets by an anchor
 *  @throws SyntaxProblem when the configuration is not valid */
export function setProxied(
  text: string,
  target: { readonly job: string; readonly url: string },
  proxied: boolean,
): string {
  const job = parseConfig(text).jobs.find(({ name }) => name === target.job)
  if (!job || !urlsOf(job).includes(target.url)) return text
  const { document } = new YamlText(text)
  const groups = listIn(document, entryOf(document, job.name), 'static_configs')
  // From behind, so that numbers stay true while groups come.
  for (const [g, group] of [...job.staticConfigs.entries()].reverse()) {
    if (isProxied(group.labels) === proxied) continue
    const wanted = group.targets.map(address => targetUrl(job, address, group.labels) === target.url)
    if (wanted.includes(true)) groups.items.splice(g, 1, ...split(document, mapAt(groups, g), group, wanted))
  }
  const edited = printed(document)
  checkWays(text, edited, { job: target.job, url: target.url, proxied })
  return edited
}

interface Parts {
  readonly url: string
  readonly scheme: 'http' | 'https'
  readonly address: string
  readonly path: string
  readonly params: Record<string, string[]>
  readonly intervalMs: number
}

/** Takes a URL apart into what a configuration says one by one. */
function partsOf({ url, job, intervalMs }: NewTarget): Parts {
  if (job === '') throw new TargetProblem('job_name is empty')
  if (!Number.isInteger(intervalMs) || intervalMs < 1) {
    throw new TargetProblem(`want an interval of at least 1ms, have ${intervalMs}`)
  }
  const parsed = parsedUrl(url)
  if (/^[a-z+.-]+:\/\/[^/?#]*@/i.test(url)) {
    throw new TargetProblem('a URL with a user or password cannot be scraped from a page')
  }
  const params: Record<string, string[]> = {}
  for (const [name, value] of parsed.searchParams) params[name] = [...(params[name] ?? []), value]
  const scheme = parsed.protocol === 'https:' ? 'https' : 'http'
  const path = parsed.pathname
  const parts = { scheme, address: parsed.host, path, params, intervalMs } as const
  return { ...parts, url: urlsOf(jobOf(job, parts))[0] ?? url }
}

function parsedUrl(url: string): URL {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch (error) {
    throw new TargetProblem(`want an absolute URL, have ${quote(url)}`, { cause: error })
  }
  if (/^https?:$/.test(parsed.protocol)) return parsed
  throw new TargetProblem(`want an http or https URL, have ${quote(url)}`)
}

function jobOf(name: string, { scheme, address, path, params, intervalMs }: Omit<Parts, 'url'>): Job {
  const staticConfigs = [{ targets: [address], labels: {} }]
  const rest = { timeoutMs: intervalMs, honorLabels: false, honorTimestamps: true }
  return { name, intervalMs, metricsPath: path, scheme, params, staticConfigs, ...rest }
}

/** Targets of a job share what the job says; a target that needs something else needs another job. */
function checkAgreement(job: Job, wanted: Parts): void {
  const differences = [
    ['scrape_interval', formatDuration(job.intervalMs), formatDuration(wanted.intervalMs)],
    ['scheme', job.scheme, wanted.scheme],
    ['metrics_path', job.metricsPath, wanted.path],
    ['params', JSON.stringify(job.params), JSON.stringify(wanted.params)],
  ].filter(([, has, wants]) => has !== wants)
  if (differences.length === 0) return
  const has = differences.map(([name, value]) => `${name} ${value}`).join(', ')
  const wants = differences.map(([name, , value]) => `${name} ${value}`).join(', ')
  throw new TargetProblem(`job ${quote(job.name)} has ${has}; the new target wants ${wants}`)
}

function urlsOf(job: Job): string[] {
  return job.staticConfigs.flatMap(({ targets, labels }) => targets.map(to => targetUrl(job, to, labels)))
}

/** The target joins a group without labels of its own, which would become the target's. */
function addToJob(document: Document, entry: YAMLMap, address: string): void {
  const groups = listIn(document, entry, 'static_configs')
  const plain = groups.items.findIndex(group => isMap(group) && !group.has('labels'))
  if (plain < 0) groups.add(document.createNode({ targets: [address] }))
  else listIn(document, mapAt(groups, plain), 'targets').add(document.createNode(address))
}

function jobEntry({ job, intervalMs }: NewTarget, { scheme, path, params, address }: Parts): object {
  return {
    job_name: job,
    scrape_interval: formatDuration(intervalMs),
    ...(path !== '/metrics' && { metrics_path: path }),
    ...(scheme !== 'http' && { scheme }),
    ...(Object.keys(params).length > 0 && { params }),
    static_configs: [{ targets: [address] }],
  }
}

function removeFrom(list: YAMLSeq, job: Job, labels: Readonly<Record<string, string>>, url: string): void {
  const isWanted = (i: number) => targetUrl(job, String(list.get(i)), labels) === url
  for (let i = list.items.length - 1; i >= 0; i--) if (isWanted(i)) list.delete(i)
}

/** A group cut where wanted targets begin and end; the wanted ones change their way. */
function split(document: Document, map: YAMLMap, group: TargetGroup, wanted: readonly boolean[]): YAMLMap[] {
  const list = listIn(document, map, 'targets')
  const { items } = list
  const starts = [...wanted.keys()].filter(i => i === 0 || wanted[i] !== wanted[i - 1])
  return starts.map((from, i) => {
    const part = i === 0 ? map : document.createNode({ targets: [], ...labelsOf(group) })
    const targets = listIn(document, part, 'targets')
    targets.items = items.slice(from, starts[i + 1])
    targets.flow = list.flow ?? false
    if (wanted[from]) changeWay(document, part, group)
    return part
  })
}

function labelsOf({ labels }: TargetGroup): Partial<TargetGroup> {
  return Object.keys(labels).length > 0 ? { labels } : {}
}

function changeWay(document: Document, map: YAMLMap, { labels }: TargetGroup): void {
  const node: unknown = map.get('labels', true)
  const own = isMap(node) ? node : document.createNode({ ...labels })
  if (isProxied(labels)) own.delete(metaLabels.proxy)
  else own.set(metaLabels.proxy, 'true')
  // A group without labels is one that new targets join.
  if (own.items.length === 0) map.delete('labels')
  else map.set('labels', own)
}

/** What was edited may have stood for other targets as well, by an anchor. */
function checkWays(
  text: string,
  edited: string,
  changed: { job: string; url: string; proxied: boolean },
): void {
  const wanted = waysIn(text).map(way => {
    return way.job === changed.job && way.url === changed.url ? { ...way, proxied: changed.proxied } : way
  })
  if (JSON.stringify(waysIn(edited)) !== JSON.stringify(wanted)) throw cannotEdit('static_configs')
}

function waysIn(text: string): { job: string; url: string; proxied: boolean }[] {
  return parseConfig(text).jobs.flatMap(job =>
    job.staticConfigs.flatMap(({ targets, labels }) =>
      targets.map(to => ({ job: job.name, url: targetUrl(job, to, labels), proxied: isProxied(labels) })),
    ),
  )
}

function rootOf(document: Document): YAMLMap {
  document.contents ??= document.createNode({})
  return mapOr(document.contents, 'the configuration')
}

function entryOf(document: Document, job: string): YAMLMap {
  const jobs = listIn(document, rootOf(document), 'scrape_configs')
  const entry = jobs.items.find(item => isMap(item) && String(item.get('job_name')) === job)
  return mapOr(entry, `job ${quote(job)}`)
}

/** The list under a key, made when there is none yet. */
function listIn(document: Document, map: YAMLMap, key: string): YAMLSeq {
  const list = map.get(key, true) as unknown
  if (isSeq(list)) return list
  if (list !== undefined && !isNull(list)) throw cannotEdit(key)
  const made = document.createNode([])
  map.set(key, made)
  return made
}

function isNull(node: unknown): boolean {
  return typeof node === 'object' && node !== null && 'value' in node && node.value === null
}

function mapAt(list: YAMLSeq, i: number): YAMLMap {
  return mapOr(list.items[i], `item ${i + 1}`)
}

function mapOr(node: unknown, what: string): YAMLMap {
  if (isMap(node)) return node
  throw cannotEdit(what)
}

/** It is valid, since it was parsed: an alias stands where a list or a mapping would. */
function cannotEdit(what: string): TargetProblem {
  return new TargetProblem(`${what} is written with a YAML alias; edit prometheus.yml by hand`)
}

/** The document as text, which is read once more before anybody relies on it. */
function printed(document: Document): string {
  const text = document.toString({ lineWidth: 0, flowCollectionPadding: false })
  parseConfig(text)
  return text
}
