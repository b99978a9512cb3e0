/** What a cursor stands on. */
export type Entry = 'series' | 'help' | 'type' | 'unit' | 'comment' | 'end'

/** Reads an exposition sample by sample, without an object for any of them. What the fields and methods tell is
 *  about the entry that the last `next` stopped at, and valid until the next one. */
export interface ExpositionCursor {
  /** Goes to the next entry; at the end it stays there.
   *  @throws SyntaxProblem where the text is not valid; the cursor is of no use after it */
  next(): Entry

  /** The exposition. Bytes [keyFrom, keyTo) are the series as it is written there, from its name to its closing
   *  brace: equal bytes are the same series. */
  readonly bytes: Uint8Array
  readonly keyFrom: number
  readonly keyTo: number
  readonly value: number
  /** Milliseconds, when the sample brings a timestamp of its own. */
  readonly timestamp: number
  readonly hasTimestamp: boolean
  /** The labels of the series, its name among them as `__name__`, as they are written: in any order, values
   *  possibly empty. Only here are names and values decoded, so a consumer asks once for each new key.
   *  @throws SyntaxProblem when they are no UTF-8, a name is missing or stands twice */
  labels(): [string, string][]

  /** Name of the metric family of a `help`, `type` or `unit` entry. */
  family(): string
  /** Text of a `help` or `comment`, name of a `type` or `unit`. */
  text(): string
}

/** Keys of series that were read before. */
export interface KnownKeys {
  /** Length of the key that is expected to come now when its bytes begin at `from`; 0 when others do. */
  expectedAt(bytes: Uint8Array, from: number): number
}
