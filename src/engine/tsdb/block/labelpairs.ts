import { compareBytes } from '../../model/labels.ts'
import type { Pace } from './pace.ts'
import { sortedOrder } from './sorting.ts'

/** A name with one of its values. */
interface Pair {
  /** Numbers of its texts. */
  readonly name: number
  readonly value: number
  /** Series that carry it. */
  count: number
}

interface Values {
  readonly name: number
  /** Value → pair. */
  readonly pairs: Map<string, number>
}

/** The labels of an index that is being written, and their texts: each once, numbered as they come. */
export class LabelPairs {
  readonly pairs: Pair[] = []
  /** The empty one is always there: upstream has it from its key for all series. */
  readonly texts: string[] = ['']
  private readonly numbers = new Map([['', 0]])
  private readonly byName = new Map<string, Values>()

  /** Counts a series that carries the label; answers the pair's number. */
  add(name: string, value: string): number {
    const { name: nameText, pairs } = this.valuesOf(name)
    let number = pairs.get(value)
    if (number === undefined) {
      number = this.pairs.push({ name: nameText, value: this.numberOf(value), count: 0 }) - 1
      pairs.set(value, number)
    }
    ;(this.pairs[number] as Pair).count++
    return number
  }

  /** The numbers of the texts in the order of their bytes. */
  sortedTexts(pace: Pace): Promise<Uint32Array> {
    const { texts } = this
    return sortedOrder(texts.length, (a, b) => compareBytes(texts[a] as string, texts[b] as string), pace)
  }

  /** The numbers of the pairs in the order of their names and values.
   *  @param ordinals of the texts, by their numbers */
  sortedPairs(ordinals: Uint32Array, pace: Pace): Promise<Uint32Array> {
    const ordinal = (text: number) => ordinals[text] as number
    // As one number, since each comparison would have to look into two pairs.
    const keys = new Float64Array(this.pairs.length)
    for (const [i, { name, value }] of this.pairs.entries())
      keys[i] = ordinal(name) * 2 ** 26 + ordinal(value)
    return sortedOrder(keys.length, (a, b) => (keys[a] as number) - (keys[b] as number), pace)
  }

  private valuesOf(name: string): Values {
    const known = this.byName.get(name)
    if (known) return known
    const created = { name: this.numberOf(name), pairs: new Map<string, number>() }
    this.byName.set(name, created)
    return created
  }

  private numberOf(text: string): number {
    const known = this.numbers.get(text)
    if (known !== undefined) return known
    const created = this.texts.push(text) - 1
    this.numbers.set(text, created)
    return created
  }
}
