import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  completionStatus,
  moveCompletionSelection,
  selectedCompletionIndex,
} from '@codemirror/autocomplete'
import {
  defaultKeymap,
  history,
  historyKeymap,
  insertNewlineAndIndent,
  isolateHistory,
} from '@codemirror/commands'
import { bracketMatching } from '@codemirror/language'
import { nextDiagnostic, previousDiagnostic } from '@codemirror/lint'
import { EditorState, Prec } from '@codemirror/state'
import { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view'
import { PromQLExtension } from '@prometheus-io/codemirror-promql'
import { completionStrategy } from './completion.ts'
import { editorLook } from './editorlook.ts'
import { explanations } from './hover.ts'
import { Knowledge, type KnowledgeClient } from './knowledge.ts'
import { linting, partAt } from './lint.ts'

export interface EditorOptions {
  readonly client: KnowledgeClient
  readonly text: string
  /** Its name for those who do not see it. */
  readonly label: string
  readonly placeholder: string
  /** Enter was pressed. */
  run(text: string): void
  /** Its keys were pressed. */
  format(text: string): void
  changed(text: string): void
}

/** An editor for one PromQL expression inside `parent`. */
export function promqlEditor(parent: HTMLElement, options: EditorOptions): EditorView {
  const knowledge = new Knowledge(options.client)
  const promql = new PromQLExtension()
    .activateLinter(false)
    .setComplete({ completeStrategy: completionStrategy(knowledge) })
  return new EditorView({
    parent,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        history(),
        drawSelection(),
        bracketMatching(),
        closeBrackets(),
        // Nothing is chosen until the user chooses, so that Enter runs what stands there.
        autocompletion({ selectOnOpen: false, icons: false }),
        promql.asExtension(),
        linting(options.client),
        explanations(knowledge),
        Prec.highest(keymap.of(ownKeys(options))),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorView.lineWrapping,
        placeholder(options.placeholder),
        EditorView.contentAttributes.of({ 'aria-label': options.label, spellcheck: 'false' }),
        EditorView.updateListener.of(update => {
          if (update.docChanged) options.changed(update.state.doc.toString())
        }),
        editorLook,
      ],
    }),
  })
}

/** Replaces the text when it is another one, the cursor at its end. It can be undone by itself. */
export function setText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: text },
    selection: { anchor: text.length },
    annotations: isolateHistory.of('full'),
  })
}

/** Selects a part of the expression and goes there.
 *  @param to null: as far as what begins there goes */
export function showPart(view: EditorView, from: number, to: number | null): void {
  const start = Math.min(from, view.state.doc.length)
  const head = Math.min(to ?? partAt(view.state, start).to, view.state.doc.length)
  view.dispatch({ selection: { anchor: start, head }, scrollIntoView: true })
  view.focus()
}

function ownKeys(options: EditorOptions) {
  return [
    {
      key: 'Enter',
      run: (view: EditorView) => {
        if (choosing(view) && acceptCompletion(view)) return true
        closeCompletion(view)
        options.run(view.state.doc.toString())
        return true
      },
    },
    { key: 'Shift-Enter', run: insertNewlineAndIndent },
    {
      key: 'Shift-Alt-f',
      preventDefault: true,
      run: (view: EditorView) => {
        options.format(view.state.doc.toString())
        return true
      },
    },
    { key: 'F8', run: nextDiagnostic, shift: previousDiagnostic },
    // Only while there is something to complete: otherwise Tab leads on to the next control.
    {
      key: 'Tab',
      run: (view: EditorView) => {
        if (completionStatus(view.state) !== 'active') return false
        if (!choosing(view)) moveCompletionSelection(true)(view)
        return acceptCompletion(view)
      },
    },
  ]
}

function choosing(view: EditorView): boolean {
  return completionStatus(view.state) === 'active' && (selectedCompletionIndex(view.state) ?? -1) >= 0
}
