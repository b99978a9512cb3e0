import { syntaxTree } from '@codemirror/language'
import type { EditorState, Extension } from '@codemirror/state'
import { hoverTooltip, type Tooltip } from '@codemirror/view'
import { texts } from '../texts.ts'
import type { Knowledge } from './knowledge.ts'
import { metadataOf } from './metadata.ts'

/** What stands under the pointer and can be looked up. */
interface Word {
  readonly kind: 'metric' | 'term'
  readonly text: string
  readonly from: number
  readonly to: number
}

/** Explains the metric, the function or the aggregation under the pointer. */
export function explanations(knowledge: Knowledge): Extension {
  return hoverTooltip(async ({ state }, pos, side): Promise<Tooltip | null> => {
    const word = wordAt(state, pos, side)
    const lines = word && (await explain(word, knowledge))
    return lines && { pos: word.from, end: word.to, create: () => ({ dom: drawn(lines) }) }
  })
}

function wordAt(state: EditorState, pos: number, side: -1 | 1): Word | null {
  const node = syntaxTree(state).resolveInner(pos, side)
  const word = { text: state.sliceDoc(node.from, node.to), from: node.from, to: node.to }
  const around = node.parent?.name
  if (node.name === 'Identifier' && around === 'VectorSelector') return { ...word, kind: 'metric' }
  const isTerm = around === 'FunctionIdentifier' || around === 'AggregateOp'
  return isTerm ? { ...word, kind: 'term' } : null
}

/** The head and the text below it. */
type Lines = readonly [head: string, text: string]

async function explain({ kind, text }: Word, knowledge: Knowledge): Promise<Lines | null> {
  if (kind === 'metric') {
    const said = metadataOf(text, await knowledge.metadata())
    return said && [`${text} (${said.unit ? `${said.type}, ${said.unit}` : said.type})`, said.help]
  }
  const term = (await knowledge.terms()).find(({ name }) => name === text)
  if (!term) return null
  const { experimental } = texts.query.completion
  return [`${text}${term.signature}`, term.experimental ? `${term.doc} ${experimental}` : term.doc]
}

/** Text nodes only: what a target says of its metrics may be anything. */
function drawn([head, text]: Lines): HTMLElement {
  const dom = document.createElement('div')
  dom.className = 'cm-explanation'
  dom.append(line('b', head), line('p', text))
  return dom
}

function line(tag: 'b' | 'p', text: string): HTMLElement {
  const element = document.createElement(tag)
  element.textContent = text
  return element
}
