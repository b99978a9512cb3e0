/** What upstream wants a flag for (`parser.Options`). */
export interface ParserOptions {
  /** Functions and aggregations that are marked as experimental. */
  readonly experimentalFunctions: boolean
  /** `anchored` and `smoothed`. */
  readonly extendedRangeSelectors: boolean
  /** `fill`, `fill_left` and `fill_right`. */
  readonly binopFill: boolean
}

/** The whole language. */
export const everything: ParserOptions = {
  experimentalFunctions: true,
  extendedRangeSelectors: true,
  binopFill: true,
}
