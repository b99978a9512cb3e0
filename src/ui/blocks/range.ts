import type { EngineStatus, ExportRequest } from '../../engine/api/service.ts'
import { formatTime, parseTime } from '../format/time.ts'
import { texts } from '../texts.ts'

/** What stands in the fields of the form; an empty one is the edge of the head. */
export interface RangeDraft {
  readonly from: string
  readonly to: string
}

/** What is wrong with a field, to be shown beside it. */
export type RangeErrors = Partial<Record<keyof RangeDraft, string>>

type Head = Pick<EngineStatus['head'], 'minT' | 'maxT'>
/** Milliseconds, `maxT` excluded. */
type Range = Pick<Extract<ExportRequest, { kind: 'range' }>, 'minT' | 'maxT'>

/** Reads the form: everything from the first moment to the second, which is included to its last millisecond. */
export function readRange(
  draft: RangeDraft,
  head: Head | undefined,
): { range: Range } | { errors: RangeErrors } {
  const minT = readEdge(draft.from, head?.minT)
  const last = readEdge(draft.to, head?.maxT, 999)
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
