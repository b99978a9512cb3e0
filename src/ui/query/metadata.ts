import type { Metadata } from '../../engine/api/service.ts'

/** What is said of a metric: of itself, or of the histogram, summary or counter whose part it is by its name. Null when
 *  nothing is said. Where targets disagree, the first one counts. */
export function metadataOf(name: string, all: ReadonlyMap<string, readonly Metadata[]>): Metadata | null {
  const own = all.get(name)?.[0]
  if (own) return own
  const family = all.get(name.replace(/_(count|sum|bucket|total)$/, ''))?.[0]
  if (!family) return null
  // The parts of histograms and summaries only ever grow.
  const isPart = family.type === 'histogram' || family.type === 'summary'
  return isPart ? { ...family, type: 'counter' } : family
}
