import type { Span } from '../model/errors.ts'
import type { Annotation } from './annotations.ts'
import { position } from './syntax/position.ts'

/** How many of each kind an answer carries; the rest is counted (`web/api/v1`). */
const mostOfAKind = 10

interface Note {
  readonly annotation: Annotation
  readonly place: Span
  readonly by: Span
}

/** What has been noticed while a query was evaluated. */
export class Notes {
  private readonly found = new Map<string, Note>()

  /** The same text is noted once, with the place that was noticed last if every part of a query is done before what is
   *  behind it and what is around it.
   *  @param by the part of the query that noticed it */
  add(annotation: Annotation, place: Span, by: Span): void {
    const before = this.found.get(annotation.text)
    if (before) annotation.merge?.(before.annotation)
    const last = before && isDoneBefore(by, before.by) ? before : { place, by }
    this.found.set(annotation.text, { annotation, place: last.place, by: last.by })
  }

  /** Texts with the place of each in the query. */
  texts(kind: Annotation['kind'], query: string): string[] {
    const all = [...this.found.values()].filter(({ annotation }) => annotation.kind === kind)
    const texts = all.map(({ annotation, place }) => {
      return `${annotation.text}${annotation.tail?.() ?? ''} (${position(query, place.from)})`
    })
    const omitted = texts.length - mostOfAKind
    return omitted > 0
      ? [...texts.slice(0, mostOfAKind), `${omitted} more ${kind} annotations omitted`]
      : texts
  }
}

function isDoneBefore(one: Span, other: Span): boolean {
  return one.to < other.to || (one.to === other.to && one.from > other.from)
}
