import { formatFloat, formatSeconds, formatSeries } from '../../exposition/format.ts'
import { compareLabels, type Labels } from '../../model/labels.ts'
import type { Matcher } from '../../model/matcher.ts'
import type { Columns, Querier, SeriesBatch, TimeRange } from '../../model/store.ts'

/** What a dump has, and what it could not say. */
export interface DumpReport {
  /** Series of which there is a sample. */
  readonly series: number
  readonly samples: number
  /** Stale markers, histograms, and all samples of series without a name: OpenMetrics knows none of them. */
  readonly staleMarkers: number
  readonly histograms: number
  readonly nameless: number
}

/** What a dump could not say, in a sentence; null when it has everything. */
export function leftOut({ staleMarkers, histograms, nameless }: DumpReport): string | null {
  const parts = [
    ...(staleMarkers > 0 ? [`${staleMarkers} stale markers`] : []),
    ...(histograms > 0 ? [`${histograms} native histograms`] : []),
    ...(nameless > 0 ? [`${nameless} samples of series without a name`] : []),
  ]
  return parts.length === 0 ? null : `OpenMetrics cannot say ${parts.join(', ')}: left out`
}

/** A piece is a little longer. */
const pieceCharacters = 64 * 1024
const longestPiece = 1024 * 1024

/** The samples of a range as OpenMetrics text, one line each with its time, series by series in the order of their labels,
 *  like `promtool tsdb dump-openmetrics` (upstream's cmd/promtool/tsdb.go). Reading it back gives the same floats at the
 *  same times: labels are escaped as the format has it, where promtool escapes them as Go does; names beyond ASCII are in
 *  quotes; and a time that would lose a millisecond when it is read has a digit more.
 *
 *  Stale markers are left out. promtool writes NaN for them, which comes back as a sample: sums over the series would be
 *  NaN for as long as a query looks back, while without it the series is only seen that much longer. Histograms are left
 *  out, as promtool leaves them out, and so are series without a name, whose lines nobody could read.
 *  @param selectors each sample that one of them matches, once; none match all
 *  @returns pieces of at most 1 MiB, and then what was written; the querier stays open */
export async function* dumpOpenMetrics(
  querier: Querier,
  selectors: readonly (readonly Matcher[])[],
  range: TimeRange,
): AsyncGenerator<Uint8Array<ArrayBuffer>, DumpReport> {
  const report = { series: 0, samples: 0, staleMarkers: 0, histograms: 0, nameless: 0 }
  const utf8 = new TextEncoder()
  let text = ''
  for await (const { labels, columns } of selected(querier, selectors, range)) {
    for (const lines of linesOf(labels, columns, report)) {
      text += lines
      if (text.length < pieceCharacters) continue
      yield* split(utf8.encode(text))
      text = ''
    }
  }
  yield* split(utf8.encode(`${text}# EOF\n`))
  return report
}

interface Found {
  readonly labels: Labels
  readonly columns: Columns
}

/** Series that one of the selectors matches, each once, in label order. Columns are lent until the next one. */
async function* selected(
  querier: Querier,
  selectors: readonly (readonly Matcher[])[],
  range: TimeRange,
): AsyncGenerator<Found> {
  const all = selectors.length === 0 ? [[]] : selectors
  const cursors = all.map(matchers => new Cursor(querier.select(matchers, range)[Symbol.asyncIterator]()))
  try {
    for (;;) {
      let first: Cursor | null = null
      for (const cursor of cursors) {
        if (cursor.empty) await cursor.fill()
        if (cursor.labels && (!first?.labels || compareLabels(cursor.labels, first.labels) < 0))
          first = cursor
      }
      const labels = first?.labels
      if (!first || !labels) return
      yield { labels, columns: first.columns() }
      // The others have the same samples of it.
      for (const cursor of cursors) {
        if (cursor.labels && compareLabels(cursor.labels, labels) === 0) cursor.step()
      }
    }
  } finally {
    for (const cursor of cursors) await cursor.close()
  }
}

/** Goes through the series of a selection. */
class Cursor {
  /** Whether `fill` is to be called. */
  empty = true
  /** Of the series that it stands at; null behind the last. */
  labels: Labels | null = null
  private readonly batches: AsyncIterator<SeriesBatch>
  private batch: SeriesBatch | null = null
  private at = 0

  constructor(batches: AsyncIterator<SeriesBatch>) {
    this.batches = batches
  }

  columns(): Columns {
    return (this.batch as SeriesBatch).columns(this.at)
  }

  step(): void {
    this.at++
    this.stand()
  }

  async fill(): Promise<void> {
    do {
      const next = await this.batches.next()
      this.batch = next.done === true ? null : next.value
      this.at = 0
    } while (this.batch?.count === 0)
    this.stand()
    this.empty = false
  }

  async close(): Promise<void> {
    await this.batches.return?.()
  }

  private stand(): void {
    const { batch, at } = this
    this.empty = batch !== null && at === batch.count
    this.labels = batch && at < batch.count ? batch.labels(at) : null
  }
}

/** Lines of a series, some at a time. */
function* linesOf(
  labels: Labels,
  { count, t, v, stale, histograms }: Columns,
  report: { -readonly [K in keyof DumpReport]: number },
): Generator<string> {
  const series = formatSeries(labels)
  report.histograms += histograms?.count ?? 0
  if (series === null) {
    report.nameless += count
    return
  }
  let lines = ''
  let samples = 0
  for (let i = 0; i < count; i++) {
    if (stale?.[i] === 1) continue
    samples++
    lines += `${series} ${formatFloat(v[i] as number)} ${formatSeconds(t[i] as number)}\n`
    if (lines.length < pieceCharacters) continue
    yield lines
    lines = ''
  }
  report.samples += samples
  report.staleMarkers += count - samples
  if (samples > 0) report.series++
  yield lines
}

function* split(bytes: Uint8Array<ArrayBuffer>): Generator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += longestPiece) yield bytes.slice(at, at + longestPiece)
}
