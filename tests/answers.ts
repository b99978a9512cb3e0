// Comparing answers of Prometheus's HTTP API, ours and a real one's (DESIGN: relative tolerance 1e-9).

type Point = readonly [seconds: number, value: string]

interface Row {
  readonly metric: Record<string, string>
  readonly values?: readonly Point[]
  readonly value?: Point
}

/** Points by series. Label values are brought to the form in which Prometheus 3 stores them.
 *  @throws Error when it is the answer of a failure, or none of series */
export function rowsOf(answer: unknown): Map<string, readonly Point[]> {
  const { status, data } = answer as { status?: string; data?: { result?: readonly Row[] } }
  if (status !== 'success' || !Array.isArray(data?.result))
    throw new Error(`want series, have ${JSON.stringify(answer)}`)
  const rows = (data.result as readonly Row[]).map(
    ({ metric, values, value }) =>
      [JSON.stringify(asStoredBy3x(metric)), values ?? (value ? [value] : [])] as const,
  )
  return new Map([...rows].sort(([x], [y]) => (x < y ? -1 : 1)))
}

/** What is not the same in two answers, a line each; none when they agree. */
export function differences(ours: unknown, theirs: unknown): string[] {
  const [a, b] = [rowsOf(ours), rowsOf(theirs)]
  const series = [...new Set([...a.keys(), ...b.keys()])]
  return series.flatMap(one => {
    const [mine, peers] = [pointsOf(a.get(one)), pointsOf(b.get(one))]
    const times = [...new Set([...mine.keys(), ...peers.keys()])]
    const wrong = times.filter(t => !almostEqual(mine.get(t), peers.get(t)))
    return wrong.map(t => `${one} at ${t}: ${mine.get(t) ?? 'none'} here, ${peers.get(t) ?? 'none'} there`)
  })
}

/** Label pairs, flat and sorted; `le="1"` becomes `le="1.0"` as Prometheus 3 writes it. */
export function asStoredBy3x(metric: Record<string, string>): string[] {
  return Object.entries(metric)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => [
      name,
      (name === 'le' || name === 'quantile') && /^[+-]?\d+$/.test(value) ? `${value}.0` : value,
    ])
}

function pointsOf(points: readonly Point[] = []): Map<number, string> {
  return new Map(points)
}

function almostEqual(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined || a === b) return a === b
  const [x, y] = [Number(a), Number(b)]
  return Math.abs(x - y) <= 1e-9 * Math.max(Math.abs(x), Math.abs(y))
}
