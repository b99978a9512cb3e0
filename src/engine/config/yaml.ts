import {
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Node,
  type YAMLError,
} from 'yaml'
import { parseDuration } from '../model/duration.ts'
import { SyntaxProblem } from '../model/errors.ts'

// The file is kept on a disk that replaces small files whole.
const longestText = 2 ** 20

/** A YAML text and a way to read values out of it that knows where each of them stands. */
export class YamlText {
  readonly document: Document
  private readonly lines = new LineCounter()

  /** @throws SyntaxProblem when it is not YAML */
  constructor(text: string) {
    if (text.length > longestText) {
      throw new SyntaxProblem(`want at most ${longestText} characters, have ${text.length}`, 1, 1)
    }
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false, logLevel: 'error' })
    const [error] = this.document.errors
    if (error) this.failAt(this.wording(error), error.pos[0])
  }

  get root(): Value {
    return new Value(this, this.document.contents)
  }

  /** Follows aliases to what they stand for. */
  resolve(node: unknown): Node | null {
    const target = isAlias(node) ? node.resolve(this.document) : node
    return isNode(target) ? target : null
  }

  failAt(message: string, offset: number): never {
    const { line, col } = this.lines.linePos(offset)
    throw new SyntaxProblem(message, Math.max(line, 1), Math.max(col, 1))
  }

  private wording(error: YAMLError): string {
    return error.code === 'DUPLICATE_KEY' ? 'key already set in map' : error.message
  }
}

/** A value in a YAML text. What it has to be is said by the method that reads it; absent values and `null` are
 *  the same, as in Prometheus. */
export class Value {
  private readonly text: YamlText
  private readonly node: Node | null
  /** Where to point to when there is no node. */
  private readonly at: number

  constructor(text: YamlText, node: unknown, at = 0) {
    this.text = text
    this.at = isNode(node) && node.range ? node.range[0] : at
    this.node = text.resolve(node)
  }

  fail(message: string): never {
    return this.text.failAt(message, this.at)
  }

  get absent(): boolean {
    const { node } = this
    return node === null || (isScalar(node) && node.value === null)
  }

  /** The fields of a mapping. `fields` names those that there are, `later` those that Prometheus knows besides.
   *  @throws SyntaxProblem for any other, in Prometheus's words */
  fields<Name extends string>(
    type: string,
    fields: readonly Name[],
    later: readonly string[] = [],
  ): Fields<Name> {
    const values = Object.fromEntries(fields.map(name => [name, new Value(this.text, null, this.at)]))
    for (const [name, key, value] of this.pairs()) {
      if (later.includes(name)) key.fail(`field ${name} is not supported yet`)
      if (!fields.some(field => field === name)) key.fail(`field ${name} not found in type ${type}`)
      values[name] = value
    }
    return values as Fields<Name>
  }

  /** A mapping whose keys are the user's. */
  entries(): [string, Value, Value][] {
    return this.pairs()
  }

  private pairs(): [name: string, key: Value, value: Value][] {
    if (this.absent) return []
    if (!isMap(this.node)) return this.fail(`want a mapping, have ${this.kind()}`)
    return this.node.items.map(pair => {
      const key = new Value(this.text, pair.key, this.at)
      return [key.string(), key, new Value(this.text, pair.value, key.at)]
    })
  }

  items(): Value[] {
    if (this.absent) return []
    if (!isSeq(this.node)) return this.fail(`want a list, have ${this.kind()}`)
    return this.node.items.map(item => new Value(this.text, item, this.at))
  }

  /** A text. Numbers and booleans count as written, as in Prometheus. */
  string(): string {
    const { node } = this
    if (this.absent) return ''
    if (!isScalar(node)) return this.fail(`want a string, have ${this.kind()}`)
    return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))
  }

  /** A boolean in the spellings of YAML 1.1, which Prometheus reads. */
  boolean(fallback: boolean): boolean {
    if (this.absent) return fallback
    const text = this.string()
    if (/^(y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(text)) return true
    if (/^(n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(text)) return false
    return this.fail(`want true or false, have ${JSON.stringify(text)}`)
  }

  /** Milliseconds; 0 when absent, which Prometheus takes for unset. */
  duration(): number {
    if (this.absent) return 0
    const text = this.string()
    if (text === '') return this.fail('empty duration string')
    return parseDuration(text) ?? this.fail(`not a valid duration string: ${JSON.stringify(text)}`)
  }

  private kind(): string {
    const { node } = this
    if (isMap(node)) return 'a mapping'
    return isSeq(node) ? 'a list' : JSON.stringify(this.string())
  }
}

export type Fields<Name extends string> = Readonly<Record<Name, Value>>
