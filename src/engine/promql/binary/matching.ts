import { QueryError } from '../../model/errors.ts'
import {
  compareBytes,
  isLegacyLabel,
  keepLabels,
  labelsKey,
  metricName,
  pairsOf,
  quote,
  valueOf,
  withLabel,
  type Labels,
} from '../../model/labels.ts'
import type { BinaryExpr, VectorMatching } from '../syntax/ast.ts'
import { dropName } from '../naming.ts'

/** A binary operator between two instant vectors. */
export type VectorBinaryExpr = BinaryExpr & { readonly matching: VectorMatching }

/** Which label sets belong together, and what becomes of them. */
export class Matching {
  private readonly matching: VectorMatching
  private readonly names: ReadonlySet<string>
  private readonly renamed: boolean

  /** @param renamed whether the operator takes away what says which metric it was */
  constructor(matching: VectorMatching, renamed: boolean) {
    this.matching = matching
    this.names = new Set(matching.labels)
    this.renamed = renamed
  }

  /** The labels that have to be the same on both sides. */
  labelsOf(labels: Labels): Labels {
    const { matching, names } = this
    if (matching.on) return keepLabels(labels, name => names.has(name))
    return keepLabels(labels, name => name !== metricName && !names.has(name))
  }

  /** The same for two label sets that match. */
  keyOf(labels: Labels): string {
    return labelsKey(this.labelsOf(labels))
  }

  /** What a label set gives to those that it meets on the "many" side. */
  includedKey(one: Labels): string {
    const { include } = this.matching
    return include.length === 0 ? '' : labelsKey(include.map(name => valueOf(one, name)))
  }

  /** Labels of the result (upstream's `resultMetric`): one to one, `on` keeps what it names and `ignoring` takes away what
   *  it names; otherwise those of the "many" side stay, and the labels to include come from the "one" side. */
  resultOf(many: Labels, one: Labels): Labels {
    const { matching, names } = this
    let labels = this.renamed ? dropName(many) : many
    if (matching.card === 'one-to-one') labels = keepLabels(labels, name => names.has(name) === matching.on)
    for (const name of matching.include) labels = withLabel(labels, name, valueOf(one, name))
    return labels
  }

  /** What Prometheus says of two label sets of the "one" side that match the same. */
  duplicate(one: Labels, other: Labels): QueryError {
    const side = this.matching.card === 'one-to-many' ? 'left' : 'right'
    const series = [braced(one), braced(other)].sort(compareBytes).join(', ')
    return new QueryError(
      'execution',
      `found duplicate series for the match group ${braced(this.labelsOf(one))} ` +
        `on the ${side} hand-side of the operation: [${series}]` +
        ';many-to-many matching not allowed: matching labels must be unique on one side',
    )
  }

  /** What Prometheus says when two results of a match are the same. */
  get ambiguous(): string {
    const wanted =
      this.matching.card === 'one-to-one'
        ? 'many-to-one matching must be explicit (group_left/group_right)'
        : 'grouping labels must ensure unique matches'
    return `multiple matches for labels: ${wanted}`
  }
}

/** Labels in braces, the metric's name among them (`labels.String`). */
function braced(labels: Labels): string {
  const pairs = [...pairsOf(labels)].map(([name, value]) => {
    return `${isLegacyLabel(name) ? name : quote(name)}=${quote(value)}`
  })
  return `{${pairs.join(', ')}}`
}
