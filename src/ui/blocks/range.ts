import type { ArchiveFormat, BlockInfo, EngineStatus, ExportRequest } from '../../engine/api/service.ts'
import { formatTime, parseTime } from '../format/time.ts'
import { texts } from '../texts.ts'

/** What stands in the fields of a form; an empty one is the edge of what there is. */
export interface RangeDraft {
  readonly from: string
  readonly to: string
}

/** What is wrong with a field, to be shown beside it. */
export type RangeErrors = Partial<Record<keyof RangeDraft, string>>

/** Times of the first and the last sample, milliseconds; null where there is none. */
export type Edges = Pick<EngineStatus['head'], 'minT' | 'maxT'>
/** Milliseconds, `maxT` excluded. */
type Range = Pick<Extract<ExportRequest, { kind: 'range' }>, 'minT' | 'maxT'>

/** What can be exported without choosing blocks. */
export const exportKinds = ['range', 'text', 'directory'] as const satisfies readonly ExportRequest['kind'][]
export type ExportKind = (typeof exportKinds)[number]

/** What stands in the form of an export, whatever its kind has use for. */
export interface ExportDraft extends RangeDraft {
  readonly selectors: readonly string[]
  readonly format: ArchiveFormat
}

/** Reads the form of an export. A selector that is empty is none. */
export function readExport(
  kind: ExportKind,
  { selectors, format, ...draft }: ExportDraft,
  edges: Edges | undefined,
): { request: ExportRequest } | { errors: RangeErrors } {
  if (kind === 'directory') return { request: { kind, format } }
  const read = readRange(draft, edges)
  if ('errors' in read) return read
  if (kind === 'range') return { request: { kind, ...read.range, format } }
  return { request: { kind, match: selectors.filter(text => text.trim() !== ''), ...read.range } }
}

/** The edges of blocks and head together. */
export function storeEdges(blocks: readonly BlockInfo[], head: Edges | undefined): Edges {
  const starts = [head?.minT ?? Infinity, ...blocks.map(({ minT }) => minT)]
  const ends = [head?.maxT ?? -Infinity, ...blocks.map(({ maxT }) => maxT - 1)]
  const [minT, maxT] = [Math.min(...starts), Math.max(...ends)]
  return minT <= maxT ? { minT, maxT } : { minT: null, maxT: null }
}

/** Reads the form: everything from the first moment to the second, which is included to its last millisecond. */
export function readRange(
  draft: RangeDraft,
  edges: Edges | undefined,
): { range: Range } | { errors: RangeErrors } {
  const minT = readEdge(draft.from, edges?.minT)
  const last = readEdge(draft.to, edges?.maxT, 999)
  const errors: RangeErrors = {
    ...(typeof minT === 'string' && { from: minT }),
    ...(typeof last === 'string' && { to: last }),
  }
  if (typeof minT === 'string' || typeof last === 'string') return { errors }
  return last < minT ? { errors: { to: texts.blocks.badOrder } } : { range: { minT, maxT: last + 1 } }
}

/** What an empty field stands for. */
export function edgeText(t: number | null | undefined): string {
  return typeof t === 'number' ? formatTime(t) : texts.blocks.noHead
}

/** The moment, or what is wrong with the text. Fields know no less than a second, hence `more` milliseconds. */
function readEdge(text: string, edge: number | null | undefined, more = 0): number | string {
  if (text.trim() === '') return edge ?? texts.blocks.wantTime
  const t = parseTime(text)
  return t === null ? texts.blocks.badTime : t + more
}
