import type { Labels } from '../../model/labels.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The strings of all labels in the head, each once, and the hash of label sets made of them. */
export class SymbolTable {
  private readonly symbols = new Map<string, string>()
  private readonly seed: number

  /** @param chance in [0, 1): makes hashes that nobody outside can aim at */
  constructor(chance: number) {
    this.seed = Math.floor(chance * 2 ** 32)
  }

  /** The same label set with strings that belong to the head. */
  own(labels: Labels): Labels {
    return labels.map(text => this.symbol(text))
  }

  /** A 32-bit hash (FNV-1a over UTF-16 units). */
  hash(labels: Labels): number {
    let hash = this.seed | 0
    for (const text of labels) {
      for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
      hash = Math.imul(hash ^ 0xffff, 0x01000193)
    }
    return hash ^ (hash >>> 15)
  }

  /** Forgets a string. Labels that have it keep it; labels to come get a copy. */
  free(text: string): void {
    this.symbols.delete(text)
  }

  private symbol(text: string): string {
    const known = this.symbols.get(text)
    if (known !== undefined) return known
    const own = ownText(text)
    this.symbols.set(own, own)
    return own
  }
}

/** A copy of a string. One that was cut out of a scraped body keeps the whole body in memory, unless it is copied through
 *  bytes. What is not valid UTF-16 becomes the same here as it would in the log. */
export function ownText(text: string): string {
  return decoder.decode(encoder.encode(text))
}
