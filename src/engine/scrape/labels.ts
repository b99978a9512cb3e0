import { labelsFrom, metricName, pairsOf, type Labels } from '../model/labels.ts'

const exportedPrefix = 'exported_'

/** Labels under which an exposed series is stored (upstream's `mutateSampleLabels`). With `honor` a label that the
 *  exposition names, even with an empty value, is the exposition's. Without it the target's label wins and the
 *  exposed one gets the prefix `exported_`, as often as it takes to find a free name.
 *  @param exposed names unique, in any order, values possibly empty */
export function sampleLabels(
  exposed: readonly (readonly [string, string])[],
  target: Labels,
  honor: boolean,
): Labels {
  const all = new Map(exposed)
  const displaced: [string, string][] = []
  for (const [name, value] of pairsOf(target)) {
    const has = all.get(name)
    if (honor && has !== undefined) continue
    if (has) displaced.push([name, has])
    all.set(name, value)
  }
  // Shorter names first, so that `exported_a` moves on before `a` comes to its place.
  displaced.sort(([a], [b]) => a.length - b.length)
  for (const [name, value] of displaced) {
    let free = exportedPrefix + name
    while (all.get(free)) free = exportedPrefix + free
    all.set(free, value)
  }
  return labelsFrom(all)
}

/** Labels of a series that the scrape itself makes, such as `up`. */
export function reportLabels(name: string, target: Labels): Labels {
  return labelsFrom([[metricName, name], ...pairsOf(target)])
}
