import type { Connection, EngineClient } from '../../src/engine/api/connection.ts'
import type {
  BlockInfo,
  BlocksStatus,
  Diagnosis,
  EngineStatus,
  ExportRequest,
  ExportTicket,
  ImportReport,
  ImportSource,
  LanguageTerm,
  Metadata,
  NewTarget,
  QueryNode,
  QueryProblem,
  SeriesDeletion,
  SeriesQuery,
  SnapshotInfo,
  StorageStatus,
  TargetStatus,
} from '../../src/engine/api/service.ts'
import { findProblems, format, languageTerms, nodesOf } from '../../src/engine/language.ts'
import type {
  InstantAnswer,
  InstantQuery,
  NodeStats,
  QueryNotes,
  RangeAnswer,
  RangeQuery,
} from '../../src/engine/model/answers.ts'
import { QueryError } from '../../src/engine/model/errors.ts'
import type { Histogram } from '../../src/engine/model/histogram.ts'
import { labelsFrom, type Labels } from '../../src/engine/model/labels.ts'
import { noNotes } from '../querynotes.ts'

export const notes = noNotes

export function labels(pairs: Record<string, string>): Labels {
  return labelsFrom(Object.entries(pairs))
}

/** A range answer from rows of values, `null` where there is none. */
export function rangeAnswer(
  rows: readonly (readonly (number | null)[])[],
  sets: readonly Labels[] = rows.map((_, i) => labels({ __name__: 'm', i: String(i) })),
  start = 0,
  step = 1000,
): RangeAnswer {
  const steps = rows[0]?.length ?? 0
  const values = Float64Array.from(rows.flat(), v => v ?? 0)
  const present = Uint8Array.from(rows.flat(), v => (v === null ? 0 : 1))
  return { kind: 'matrix', start, step, steps, labels: sets, values, present, histograms: null, ...notes }
}

/** Observations from below -2 to 16, in buckets on both sides of zero and around it. */
export const histogram: Histogram = {
  layout: {
    schema: 0,
    zeroThreshold: 0.5,
    positiveSpans: Int32Array.of(1, 1, 2, 1),
    negativeSpans: Int32Array.of(1, 2),
    bounds: new Float64Array(),
  },
  float: true,
  hint: 0,
  count: 21.5,
  zeroCount: 2,
  sum: 96.25,
  positive: Float64Array.of(12, 4.5),
  negative: Float64Array.of(0, 3),
  stale: false,
}

/** How many series an expression has here, and how each runs over time (seconds). */
const series: Record<string, { readonly count: number; value(i: number, t: number): number | null }> = {
  'rate(prometheus_tsdb_head_samples_appended_total{type="float"}[1m])': {
    count: 1,
    value: (_, t) => 42 + 4 * Math.sin(t / 23),
  },
  up: { count: 3, value: i => (i === 2 ? 0 : 1) },
  'rate(http_requests_total[5m])': {
    count: 12,
    value: (i, t) => (i + 1) * 900 + 300 * Math.sin(t / (30 + 7 * i)) + 90 * Math.sin(t / 7),
  },
  gaps: {
    count: 2,
    value: (i, t) => (i === 0 ? (Math.floor(t / 20) % 2 ? null : t % 60) : t % 40 === 0 ? 5 : null),
  },
  many: { count: 150, value: (i, t) => i + Math.sin(t / 40 + i) },
  thousand: { count: 1000, value: (i, t) => i + Math.sin(t / 40 + i) },
  nothing: { count: 0, value: () => null },
  '<b>': { count: 1, value: () => 1 },
}

const names: Record<string, (i: number) => Labels> = {
  up: i => labels({ __name__: 'up', job: 'node', instance: `host-${i}:9100` }),
  'rate(http_requests_total[5m])': i =>
    labels({
      job: 'shop',
      instance: 'localhost:8080',
      method: ['GET', 'POST', 'PUT'][i % 3] ?? '',
      handler: ['/', '/cart', '/checkout', '/search'][i % 4] ?? '',
    }),
  '<b>': () => labels({ __name__: 'hostile', le: '<img src=x onerror="globalThis.hacked=1">' }),
}

/** An engine without an engine: the same answers every time, and a record of what was asked. */
export class FakeClient implements EngineClient {
  readonly rangeQueries: RangeQuery[] = []
  readonly instantQueries: InstantQuery[] = []
  readonly added: NewTarget[] = []
  readonly removed: string[] = []
  readonly imports: ImportSource[] = []
  readonly exports: ExportRequest[] = []
  readonly closedExports: number[] = []
  readonly now: number
  metricNames = ['http_requests_total', 'node_load1', 'prometheus_tsdb_head_series', 'up']
  diagnosis: Diagnosis = { kind: 'cors', header: 'Access-Control-Allow-Origin: *', proxy: true }
  list: TargetStatus[]
  notices: EngineStatus['notices'] = []
  stored: BlocksStatus
  store: StorageStatus
  /** What was done to the store, in its order: the method and its argument. */
  readonly deeds: unknown[][] = []
  /** What compaction or cleaning up leaves of the blocks. */
  rewritten: readonly BlockInfo[] | null = null
  report: ImportReport = { imported: [], known: [], remarks: [] }
  /** What an export reads, one after the other. */
  pieces: readonly Uint8Array[] = [Uint8Array.of(1, 2), Uint8Array.of(3)]
  private piecesRead = 0
  /** Set, it holds queries, imports and the pieces of exports up until it resolves. */
  gate: Promise<void> | null = null
  refusal: Error | null = null
  private readonly listeners = new Set<(connection: Connection) => void>()
  private connection: Connection = { state: 'ready', engineId: 'engine-1', host: 'shared' }

  constructor(now = Date.now()) {
    this.now = now
    this.list = [
      target('1', 'brazier', 'http://localhost:9099/sidecar/metrics', 'up', now),
      target('2', 'node', 'http://localhost:9100/metrics', 'up', now),
      target('3', 'node', 'http://host-2:9100/metrics', 'down', now),
      { ...target('4', 'shop', 'http://localhost:8080/metrics', 'unknown', now), proxied: true },
    ]
    const hour = 3600_000
    this.stored = {
      blocks: [
        block('01KAMJ6V0000000000000000QX', now - 30 * hour, now - 28 * hour, { pinned: true, level: 2 }),
        block('01KAMJ6V0000000000000001QX', now - 4 * hour, now - 2 * hour),
        block('01KAMJ6V0000000000000002QX', now - 3 * hour, now - hour),
      ],
      broken: [],
      jobs: [],
    }
    this.store = {
      budget: 10 * 1024 ** 3,
      budgetIsOwn: false,
      blocks: 3 * 412_000,
      wal: 1_530_000,
      wbl: 0,
      headChunks: 640_000,
      retentionMs: 15 * 24 * hour,
      snapshots: [],
      busy: false,
    }
  }

  watch(listener: (connection: Connection) => void): () => void {
    this.listeners.add(listener)
    listener(this.connection)
    return () => this.listeners.delete(listener)
  }

  connect(connection: Connection): void {
    this.connection = connection
    for (const listener of this.listeners) listener(connection)
  }

  async queryRange(query: RangeQuery, signal?: AbortSignal): Promise<RangeAnswer> {
    this.rangeQueries.push(query)
    await this.gate
    signal?.throwIfAborted()
    refuse(query.expr)
    const { start, end, step, expr } = query
    const steps = Math.floor((end - start) / step) + 1
    if (expr === 'request_seconds') return { ...histogramRange(start, step, steps), ...notesOf(query) }
    const { count, value } = series[expr] ?? { count: 0, value: () => null }
    const rows = Array.from({ length: count }, (_, i) =>
      Array.from({ length: steps }, (_, k) => value(i, (start + k * step) / 1000)),
    )
    return {
      ...rangeAnswer(
        rows,
        rows.map((_, i) => nameOf(expr, i)),
        start,
        step,
      ),
      steps,
      ...notesOf(query),
    }
  }

  async query(query: InstantQuery, signal?: AbortSignal): Promise<InstantAnswer> {
    this.instantQueries.push(query)
    await this.gate
    signal?.throwIfAborted()
    const { expr, time: t } = query
    refuse(expr)
    if (/^\d+$/.test(expr)) return { kind: 'scalar', t, value: Number(expr), ...notes }
    if (expr.startsWith('"')) return { kind: 'string', t, value: expr.slice(1, -1), ...notes }
    if (expr.startsWith('request_seconds')) return { ...histogramInstant(expr, t), ...notesOf(query) }
    const { count, value } = series[expr.replace('[5m]', '')] ??
      series[expr] ?? { count: 0, value: () => null }
    const sets = Array.from({ length: count }, (_, i) => nameOf(expr.replace('[5m]', ''), i))
    if (expr === 'up[5m]') {
      return {
        kind: 'samples',
        labels: sets,
        offsets: Uint32Array.of(0, 2, 4, 5),
        t: Float64Array.of(t - 20_000, t - 5000, t - 20_000, t - 5000, t - 5000),
        v: Float64Array.of(1, 1, 1, 1, 0),
        histograms: null,
        ...notes,
      }
    }
    return {
      kind: 'vector',
      t,
      labels: sets,
      values: Float64Array.from(sets, (_, i) => value(i, 0) ?? NaN),
      histograms: null,
      ...notesOf(query),
    }
  }

  async series({ match, limit = 0 }: SeriesQuery): Promise<Labels[]> {
    const [expr = ''] = match
    refuse(expr)
    const all = Array.from({ length: series[expr]?.count ?? 1 }, (_, i) => nameOf(expr, i))
    return limit > 0 ? all.slice(0, limit) : all
  }

  async labelNames(): Promise<string[]> {
    return ['__name__', 'instance', 'job']
  }

  async metadata(): Promise<ReadonlyMap<string, readonly Metadata[]>> {
    return new Map([['node_load1', [{ type: 'gauge', unit: '', help: '1m load average.' }]]])
  }

  async queryProblems(expr: string): Promise<QueryProblem[]> {
    const refused = refusalOf(expr)
    return refused ? [refused] : findProblems(expr)
  }

  async formatQuery(expr: string): Promise<string> {
    refuse(expr)
    return format(expr)
  }

  async queryNodes(expr: string): Promise<QueryNode[]> {
    return nodesOf(expr)
  }

  async languageTerms(): Promise<LanguageTerm[]> {
    return languageTerms()
  }

  async labelValues(name: string): Promise<string[]> {
    if (name === '__name__') return this.metricNames
    return name === 'job' ? ['node', 'shop'] : []
  }

  async targets(): Promise<TargetStatus[]> {
    return this.list
  }

  async addTarget(added: NewTarget): Promise<void> {
    if (this.refusal) throw this.refusal
    this.added.push(added)
    this.list = [
      ...this.list,
      target(String(this.list.length + 1), added.job, added.url, 'unknown', this.now),
    ]
  }

  async removeTarget(id: string): Promise<void> {
    this.removed.push(id)
    this.list = this.list.filter(other => other.id !== id)
  }

  async setProxied(id: string, proxied: boolean): Promise<void> {
    if (this.refusal) throw this.refusal
    const health = proxied ? 'up' : 'down'
    this.list = this.list.map(other => (other.id === id ? { ...other, proxied, health } : other))
  }

  async diagnose(): Promise<Diagnosis> {
    return this.diagnosis
  }

  async blocks(): Promise<BlocksStatus> {
    return this.stored
  }

  async importBlocks(source: ImportSource, signal?: AbortSignal): Promise<ImportReport> {
    this.imports.push(source)
    await Promise.race([this.gate, aborted(signal)])
    if (this.refusal) throw this.refusal
    this.stored = { ...this.stored, blocks: [...this.stored.blocks, ...this.report.imported] }
    return this.report
  }

  async openExport(request: ExportRequest): Promise<ExportTicket> {
    if (this.refusal) throw this.refusal
    this.piecesRead = 0
    const suffix = request.kind === 'text' ? 'txt' : request.format
    const type = { zip: 'application/zip', 'tar.gz': 'application/gzip', txt: 'text/plain' }[suffix]
    return { id: this.exports.push(request), fileName: `brazier.${suffix}`, type }
  }

  async readExport(): Promise<Uint8Array | null> {
    await this.gate
    return this.pieces[this.piecesRead++] ?? null
  }

  async closeExport(id: number): Promise<void> {
    this.closedExports.push(id)
  }

  async deleteBlock(ulid: string): Promise<void> {
    if (this.refusal) throw this.refusal
    const { blocks, broken } = this.stored
    const others = (block: { readonly ulid: string }) => block.ulid !== ulid
    this.stored = { ...this.stored, blocks: blocks.filter(others), broken: broken.filter(others) }
  }

  async pinBlock(ulid: string, pinned: boolean): Promise<void> {
    if (this.refusal) throw this.refusal
    const blocks = this.stored.blocks.map(other => (other.ulid === ulid ? { ...other, pinned } : other))
    this.stored = { ...this.stored, blocks }
  }

  async storage(): Promise<StorageStatus> {
    return this.store
  }

  async setBudget(bytes: number | null): Promise<void> {
    if (this.refusal) throw this.refusal
    this.deeds.push(['setBudget', bytes])
    this.store = { ...this.store, budget: bytes ?? 10 * 1024 ** 3, budgetIsOwn: bytes !== null }
  }

  async compact(): Promise<void> {
    await this.rewrite('compact')
  }

  async cleanTombstones(): Promise<void> {
    await this.rewrite('cleanTombstones')
  }

  private async rewrite(deed: string): Promise<void> {
    this.deeds.push([deed])
    await this.gate
    if (this.refusal) throw this.refusal
    if (this.rewritten) this.stored = { ...this.stored, blocks: this.rewritten }
  }

  async deleteSeries(deletion: SeriesDeletion): Promise<void> {
    if (this.refusal) throw this.refusal
    this.deeds.push(['deleteSeries', deletion])
  }

  async snapshot(options: { readonly skipHead?: boolean } = {}): Promise<SnapshotInfo> {
    this.deeds.push(['snapshot', options])
    await this.gate
    if (this.refusal) throw this.refusal
    const { snapshots } = this.store
    const made = { name: `20261124T10150${snapshots.length}Z-4f2a61c09b7d8e35`, blocks: 4, bytes: 1_640_000 }
    this.store = { ...this.store, snapshots: [...snapshots, made] }
    return made
  }

  async deleteSnapshot(name: string): Promise<void> {
    if (this.refusal) throw this.refusal
    this.deeds.push(['deleteSnapshot', name])
    this.store = { ...this.store, snapshots: this.store.snapshots.filter(other => other.name !== name) }
  }

  async status(): Promise<EngineStatus> {
    return {
      version: '0.1.0',
      build: 1_795_000_000,
      engineId: 'engine-1',
      host: 'shared',
      startedAt: this.now - 3_725_000,
      head: { series: 1240, chunks: 2411, minT: this.now - 3_700_000, maxT: this.now - 4000 },
      wal: { segments: 3, bytes: 1_530_000, corruptions: 0 },
      notices: this.notices,
    }
  }

  async metrics(): Promise<string> {
    return ''
  }
}

/** A block as the engine tells of it. */
export function block(ulid: string, minT: number, maxT: number, more: Partial<BlockInfo> = {}): BlockInfo {
  const counts = { series: 200, samples: 96_000, chunks: 800, bytes: 412_000, level: 1, pinned: false }
  return { ulid, minT, maxT, ...counts, ...more }
}

/** Rejects when the signal is aborted. */
function aborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}

function target(
  id: string,
  job: string,
  url: string,
  health: TargetStatus['health'],
  now: number,
): TargetStatus {
  const error =
    health === 'down' ? 'Get "http://host-2:9100/metrics": the answer may not be read (CORS)' : null
  const last = { t: now - 3000, durationMs: 8.4, samples: health === 'down' ? 0 : 1311, error }
  return {
    id,
    job,
    url,
    labels: labels({ job, instance: new URL(url).host }),
    intervalMs: 15_000,
    proxied: false,
    health,
    lastScrape: health === 'unknown' ? null : last,
  }
}

function nameOf(expr: string, i: number): Labels {
  return names[expr]?.(i) ?? labels({ __name__: expr.replace(/\W+/g, '_'), i: String(i) })
}

function notesOf(query: InstantQuery | RangeQuery): QueryNotes {
  const { expr, statistics } = query
  const stats = { ...notes.stats, nodes: statistics?.perNode ? nodesOf(expr).map(nodeStats) : null }
  if (expr === 'up') return { ...notes, stats, infos: ['PromQL info: metric might not be a counter (1:1)'] }
  if (expr !== 'rate(up[5m]) + quantile(2, up)') return { ...notes, stats }
  const warnings = ['PromQL warning: quantile value should be between 0 and 1, got 2 (1:25)']
  return { ...notes, stats, warnings, infos: ['PromQL info: metric might not be a counter (1:6)'] }
}

/** The deeper, the more series, and the less time. */
function nodeStats({ span, depth }: QueryNode): NodeStats {
  const counts = { series: 3 * 4 ** depth, samples: 720 * 4 ** depth, seconds: 0.0421 / 2 ** depth }
  return { span, kind: 'call', ...counts, parts: [] }
}

const requests = [labels({ __name__: 'request_seconds', job: 'shop' })]

function histogramInstant(expr: string, t: number) {
  if (expr === 'request_seconds') {
    const labels = [...requests, ...requests.map(set => [...set, 'method', 'GET'])]
    return {
      kind: 'vector' as const,
      t,
      labels,
      values: Float64Array.of(NaN, 5),
      histograms: [{ at: 0, histogram }],
    }
  }
  return {
    kind: 'samples' as const,
    labels: requests,
    offsets: Uint32Array.of(0, 2),
    t: Float64Array.of(t - 20_000, t - 5000),
    v: Float64Array.of(3, NaN),
    histograms: [{ at: 1, histogram }],
  }
}

/** A series of histograms, and one that is a number at every other step. */
function histogramRange(start: number, step: number, steps: number) {
  const set = labels({ __name__: 'request_seconds', job: 'mixed' })
  const isNumber = (at: number) => at >= steps && at % 2 === 0
  const all = Array.from({ length: 2 * steps }, (_, at) => at)
  return {
    kind: 'matrix' as const,
    start,
    step,
    steps,
    labels: [...requests, set],
    values: Float64Array.from(all, at => (isNumber(at) ? at % 7 : NaN)),
    present: Uint8Array.from(all, at => (isNumber(at) ? 1 : 2)),
    histograms: all.filter(at => !isNumber(at)).map(at => ({ at, histogram })),
  }
}

function refuse(expr: string): void {
  if (expr === 'broken') throw new Error('the disk is gone')
  const refused = refusalOf(expr)
  if (refused) throw new QueryError('bad_data', refused.message, refused.span)
}

/** Of three parentheses in a row the last one is not closed, whatever follows. */
function refusalOf(expr: string): QueryProblem | null {
  const at = expr.indexOf('(((')
  if (at < 0) return null
  const message = `1:${at + 4}: parse error: unclosed left parenthesis`
  return { message, span: { from: at + 2, to: at + 3 } }
}
