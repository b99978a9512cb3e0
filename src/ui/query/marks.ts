import type { QueryNotes } from '../../engine/model/answers.ts'
import { placeOfNote, textOfNote } from './places.ts'
import type { QueryFailure } from './run.svelte.ts'

/** Something that is said of a part of an expression. */
export interface Mark {
  readonly severity: 'error' | 'warning' | 'info'
  readonly message: string
  /** UTF-16 offset. */
  readonly from: number
  /** Excluded; null: as far as what begins there goes. */
  readonly to: number | null
}

export interface Marks {
  readonly expr: string
  readonly all: readonly Mark[]
}

export const nothingMarked: Marks = { expr: '', all: [] }

/** Why an expression has no answer, as far as the place is known. */
export function marksOfFailure({ expr, span, message }: QueryFailure): Marks {
  return { expr, all: span ? [{ severity: 'error', message, from: span.from, to: span.to }] : [] }
}

/** The warnings and infos of an answer that name a place. */
export function marksOfNotes(
  expr: string,
  { warnings, infos }: Pick<QueryNotes, 'warnings' | 'infos'>,
): Marks {
  const marksOf = (severity: Mark['severity'], notes: readonly string[]) =>
    notes.flatMap((note): Mark[] => {
      const from = placeOfNote(note, expr)
      return from === null ? [] : [{ severity, message: textOfNote(note), from, to: null }]
    })
  return { expr, all: [...marksOf('warning', warnings), ...marksOf('info', infos)] }
}
