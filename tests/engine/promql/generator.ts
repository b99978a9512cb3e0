import { Chance } from './chance.ts'
import { leaf, missing, sameLabels, wrapped, type Made } from './generatorleaves.ts'
import { aggregations } from './generatoraggregations.ts'
import { functionProductions } from './generatorfunctions.ts'
import { operators } from './generatoroperators.ts'
import { rangeFunctions } from './generatorranges.ts'

// Expressions by chance that make sense: it is known of every part which labels its series have, so that what is matched
// finds its match. They grow from a selector outwards, one production around the other.

/** A way to make an expression of another one. */
export interface Production {
  readonly on: readonly Made['kind'][]
  readonly fits: (on: Made) => boolean
  readonly make: (on: Made, generator: Generator) => Made
}

const productions: readonly Production[] = [
  ...functionProductions,
  ...rangeFunctions,
  ...aggregations,
  ...operators,
]

/** Half of the expressions are three operations deep, or deeper. */
const depths = [1, 3, 2, 4, 2, 3, 4, 3]

export class Generator {
  readonly chance: Chance

  constructor(seed: number) {
    this.chance = new Chance(seed)
  }

  /** Every production in turn is in one of them, whatever chance wants. */
  expressions(count: number): string[] {
    return Array.from({ length: count }, (_, i) => {
      const production = productions[i % productions.length]!
      return this.around(production, depths[(i + Math.floor(i / productions.length)) % depths.length]!).text
    })
  }

  /** A scalar of at most so many operations, that stands anywhere. */
  scalar(depth = 1): string {
    const { chance } = this
    if (depth <= 0 || chance.is(0.6)) return chance.pick(['2', '0.5', '10', '-3', '1e2', 'time()', 'pi()'])
    const [a, b] = [this.scalar(depth - 1), this.scalar(depth - 1)]
    return chance.pick([
      () => `scalar(${this.vector(depth - 1, []).text})`,
      () => `(${a} ${chance.pick(['+', '-', '*', '/', '%', '^'])} ${b})`,
      () => `-(${a})`,
      () => `(${a} ${chance.pick(['<', '>=', '==', '!='])} bool ${b})`,
    ])()
  }

  /** A vector of numbers with just these labels, about so deep. */
  vector(depth: number, labels: readonly string[]): Made {
    const grown = this.grow(leaf(this.chance, 'numbers'), depth)
    return this.withLabels(grown.kind === 'numbers' ? grown : leaf(this.chance, 'numbers'), labels)
  }

  private withLabels(made: Made, labels: readonly string[]): Made {
    if (sameLabels(made.labels, labels)) return made
    const lacks = missing(made.labels, labels)
    if (lacks.length > 0) {
      const known = leaf(this.chance, 'numbers', labels)
      const text = missing(known.labels, labels).reduce(
        (inner, label) => `label_replace(${inner}, "${label}", "$1", "job", "(.*)")`,
        known.text,
      )
      const all = [...new Set([...known.labels, ...labels])]
      return this.withLabels(text === known.text ? known : wrapped(known, text, { labels: all }), labels)
    }
    const op = this.chance.pick(['sum', 'max', 'min'])
    return wrapped(made, `${op} by (${labels.join(', ')}) (${made.text})`, { labels })
  }

  /** @param depth of the whole, when nothing stands in the way */
  private around(focus: Production, depth: number): Made {
    for (let tries = 0; tries < 1000; tries++) {
      const kind = this.chance.pick(focus.on)
      const inner = this.grow(leaf(this.chance, kind), this.chance.below(depth))
      if (!focus.on.includes(inner.kind) || !focus.fits(inner)) continue
      return this.grow(focus.make(inner, this), depth)
    }
    throw new Error('want an expression to begin with, found none')
  }

  /** Puts productions around an expression until it is so deep. */
  private grow(made: Made, depth: number): Made {
    let grown = made
    for (let tries = 0; grown.depth < depth && tries < 50; tries++) {
      const production = this.chance.pick(productions)
      if (!production.on.includes(grown.kind) || !production.fits(grown)) continue
      grown = production.make(grown, this)
    }
    return grown
  }
}
