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
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { setDiagnostics } from '@codemirror/lint'
import { EditorState, Prec, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, keymap, placeholder } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { PromQLExtension } from '@prometheus-io/codemirror-promql'
import type { Span } from '../../engine/model/errors.ts'
import { completionSource, type CompletionClient } from './completion.ts'

export interface EditorOptions {
  readonly client: CompletionClient
  readonly text: string
  /** Its name for those who do not see it. */
  readonly label: string
  readonly placeholder: string
  /** Enter was pressed. */
  run(text: string): void
  changed(text: string): void
}

/** An editor for one PromQL expression inside `parent`. */
export function promqlEditor(parent: HTMLElement, options: EditorOptions): EditorView {
  const promql = new PromQLExtension()
    .activateLinter(false)
    .setComplete({ remote: completionSource(options.client) })
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
        syntaxHighlighting(colours),
        Prec.highest(keymap.of(ownKeys(options))),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorView.lineWrapping,
        placeholder(options.placeholder),
        EditorView.contentAttributes.of({ 'aria-label': options.label, spellcheck: 'false' }),
        EditorView.updateListener.of(update => {
          if (update.docChanged) options.changed(update.state.doc.toString())
        }),
        look,
      ],
    }),
  })
}

/** Replaces the text when it is another one, the cursor at its end. */
export function setText(view: EditorView, text: string): void {
  if (view.state.doc.toString() === text) return
  view.dispatch({
    changes: { from: 0, to: view.state.doc.length, insert: text },
    selection: { anchor: text.length },
  })
}

/** Underlines what is wrong; null takes the line away. */
export function underline(
  view: EditorView,
  mistake: { readonly span: Span; readonly message: string } | null,
): void {
  if (!mistake) {
    view.dispatch(setDiagnostics(view.state, []))
    return
  }
  const end = view.state.doc.length
  // An error at the end of the text has nothing to underline but the character before.
  const to = Math.min(Math.max(mistake.span.to, mistake.span.from + 1), end)
  const from = Math.max(0, Math.min(mistake.span.from, to - 1))
  view.dispatch(setDiagnostics(view.state, [{ from, to, severity: 'error', message: mistake.message }]))
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

const colours = HighlightStyle.define([
  { tag: tags.name, color: 'var(--syntax-name)' },
  {
    tag: [tags.function(tags.variableName), tags.operatorKeyword, tags.keyword, tags.modifier],
    color: 'var(--syntax-function)',
  },
  { tag: tags.standard(tags.variableName), color: 'var(--syntax-name)' },
  { tag: tags.labelName, color: 'var(--text)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syntax-string)' },
  { tag: [tags.number, tags.literal], color: 'var(--syntax-number)' },
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
  { tag: tags.invalid, color: 'var(--down)' },
])

const look: Extension = EditorView.theme({
  '&': { fontSize: '14px', color: 'var(--text)', backgroundColor: 'transparent' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': {
    fontFamily: 'var(--mono)',
    padding: '8px 4px',
    caretColor: 'var(--text)',
    minHeight: '38px',
  },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '22px', maxHeight: '220px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-placeholder': { color: 'var(--muted)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'color-mix(in srgb, var(--accent) 24%, transparent)',
  },
  '&.cm-focused .cm-matchingBracket': {
    background: 'var(--accent-soft)',
    outline: '1px solid var(--line-strong)',
  },
  '&.cm-focused .cm-nonmatchingBracket': { background: 'var(--down-soft)' },
  // The library's own line is a data: image, which a strict content security policy does not load.
  '.cm-lintRange-error': {
    backgroundImage: 'none',
    textDecoration: 'underline wavy var(--down) 1.5px',
    textUnderlineOffset: '4px',
    textDecorationSkipInk: 'none',
  },
  '.cm-tooltip': {
    background: 'var(--surface)',
    color: 'var(--text)',
    border: '1px solid var(--line)',
    borderRadius: 'var(--radius)',
    boxShadow: 'var(--shadow-float)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--mono)',
    fontSize: '13px',
    maxHeight: '18em',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '3px 10px', lineHeight: '1.5' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': {
    background: 'var(--accent-soft)',
    color: 'var(--text)',
    boxShadow: 'inset 2px 0 0 var(--accent)',
  },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal', marginLeft: '1.5em' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '700', color: 'var(--accent)' },
  '.cm-tooltip.cm-completionInfo': { padding: '8px 10px', maxWidth: '360px', fontFamily: 'var(--font)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--down)', whiteSpace: 'pre-wrap' },
})
