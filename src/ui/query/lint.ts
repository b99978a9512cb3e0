import { syntaxTree } from '@codemirror/language'
import { forEachDiagnostic, linter, type Diagnostic } from '@codemirror/lint'
import { StateEffect, StateField, type EditorState, type Extension } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import type { QueryProblem } from '../../engine/api/service.ts'
import type { Span } from '../../engine/model/errors.ts'
import type { KnowledgeClient } from './knowledge.ts'
import type { Mark, Marks } from './marks.ts'

/** After the last key, so that nothing is wrong with what is only half written. */
const delayMs = 400

const setMarks = StateEffect.define<Marks>()

const marksField = StateField.define<Marks>({
  create: () => ({ expr: '', all: [] }),
  update: (marks, transaction) =>
    transaction.effects.reduce((last, effect) => (effect.is(setMarks) ? effect.value : last), marks),
})

/** Marks what is said of the text, as long as it is the one that it was said of. */
export function showMarks(view: EditorView, marks: Marks): void {
  // A refresh of the answer mostly says the same, and whoever reads an explanation is not to be disturbed.
  if (JSON.stringify(marks) === JSON.stringify(view.state.field(marksField))) return
  view.dispatch({ effects: setMarks.of(marks) })
}

/** Underlines what the engine finds wrong while somebody types, and the marks. */
export function linting(client: Pick<KnowledgeClient, 'queryProblems'>): Extension {
  const problemsOf = lastOnly(text => client.queryProblems(text))
  const diagnose = async ({ state }: EditorView): Promise<Diagnostic[]> => {
    const text = state.doc.toString()
    // Nothing is missing yet from an expression that nobody has begun.
    const problems = text.trim() === '' ? [] : await problemsOf(text)
    const { expr, all } = state.field(marksField)
    const marks = expr === text ? all : []
    return unique([...problems.map(asMark), ...marks]).map(mark => diagnostic(state, mark))
  }
  const needsRefresh = (update: { startState: EditorState; state: EditorState }) =>
    update.startState.field(marksField) !== update.state.field(marksField)
  return [
    marksField,
    linter(diagnose, { delay: delayMs, needsRefresh }),
    EditorView.contentAttributes.of(({ state }) => (isWrong(state) ? { 'aria-invalid': 'true' } : {})),
  ]
}

/** The part of the expression that begins at an offset, the largest one when there are several. */
export function partAt(state: EditorState, from: number): Span {
  let part = syntaxTree(state).resolveInner(from, 1)
  while (part.parent?.parent && part.parent.from === part.from) part = part.parent
  return { from, to: part.from === from ? part.to : from }
}

/** The same text is asked about once, although marks come and go. An engine that is gone finds nothing. */
function lastOnly(ask: (text: string) => Promise<readonly QueryProblem[]>) {
  let asked: string | null = null
  let answer: Promise<readonly QueryProblem[]> = Promise.resolve([])
  return (text: string) => {
    if (text === asked) return answer
    asked = text
    return (answer = ask(text).catch(() => {
      asked = null
      return []
    }))
  }
}

function asMark({ message, span }: QueryProblem): Mark {
  return { severity: 'error', message, from: span?.from ?? 0, to: span?.to ?? null }
}

/** A run finds the same that was found while typing. */
function unique(marks: readonly Mark[]): Mark[] {
  return [...new Map(marks.map(mark => [`${mark.from} ${mark.message}`, mark])).values()]
}

function diagnostic(state: EditorState, { severity, message, from, to }: Mark): Diagnostic {
  const end = state.doc.length
  const last = to ?? partAt(state, Math.min(from, end)).to
  // A place at the end of the text has nothing to underline but the character before.
  const until = Math.min(Math.max(last, from + 1), end)
  return { severity, message, from: Math.max(0, Math.min(from, until - 1)), to: until }
}

function isWrong(state: EditorState): boolean {
  let wrong = false
  forEachDiagnostic(state, ({ severity }) => (wrong ||= severity === 'error'))
  return wrong
}
