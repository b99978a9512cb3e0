import { metricName, valueOf } from '../../model/labels.ts'
import type { Metadata } from '../../model/metadata.ts'
import type { MemSeries } from './series.ts'
import { ownText } from './symbols.ts'

/** Keeps each metadata once: all series of a metric share it. */
export class MetadataTable {
  private readonly known = new Map<string, Metadata>()

  /** The same metadata with strings that belong to the head; the same object for what is equal. */
  own(metadata: Metadata): Metadata {
    const key = keyOf(metadata)
    const known = this.known.get(key)
    if (known) return known
    const { type, unit, help } = metadata
    const own: Metadata = { type, unit: ownText(unit), help: ownText(help) }
    this.known.set(ownText(key), own)
    return own
  }

  /** Forgets what no series has. */
  keepOnly(all: Iterable<MemSeries>): void {
    if (this.known.size === 0) return
    const used = new Set<Metadata>()
    for (const { metadata } of all) if (metadata) used.add(metadata)
    for (const [key, metadata] of this.known) if (!used.has(metadata)) this.known.delete(key)
  }
}

function keyOf({ type, unit, help }: Metadata): string {
  return `${type} ${unit.length} ${unit}${help}`
}

export function sameMetadata(a: Metadata | null, b: Metadata): boolean {
  return a !== null && a.type === b.type && a.unit === b.unit && a.help === b.help
}

/** What the series say of each metric, by its name, each thing once. */
export function metadataByMetric(all: Iterable<MemSeries>): Map<string, Metadata[]> {
  const found = new Map<string, Set<Metadata>>()
  for (const { labels, metadata } of all) {
    if (!metadata) continue
    const name = valueOf(labels, metricName)
    const said = found.get(name)
    if (said) said.add(metadata)
    else found.set(name, new Set([metadata]))
  }
  return new Map(Array.from(found, ([name, said]) => [name, [...said]]))
}
