/** One line of a bench's table. */
export interface Row {
  readonly what: string
  readonly ours: string
  /** Prometheus's, where there is something to compare with. */
  readonly peer: string
  /** What is held against the limits; null for a row that is reported and not judged. */
  readonly judged: Judged | null
  /** Why the figures mean nothing: an answer was wrong. */
  readonly fault: string | null
}

export interface Judged {
  readonly value: number
  /** Whether more is better, or less. */
  readonly better: 'more' | 'less'
  readonly must: number
  readonly aim: number
  readonly show: (value: number) => string
}

export interface Section {
  readonly rows: readonly Row[]
  /** What a reader has to know, a sentence each. */
  readonly notes: readonly string[]
}

/** Whether the figure is within its must, loosened by a factor. */
function holds({ value, better, must }: Judged, slack = 1): boolean {
  return better === 'more' ? value >= must / slack : value <= must * slack
}

function reached({ aim, ...judged }: Judged): boolean {
  return holds({ ...judged, aim, must: aim })
}

/** What is wrong, a sentence each: answers first, then figures beyond their musts. */
export function faultsOf({ rows }: Section, slack: number): string[] {
  const wrong = rows.flatMap(({ what, fault }) => (fault === null ? [] : [`${what}: ${fault}`]))
  const slow = rows.flatMap(({ what, judged }) => {
    if (!judged || holds(judged, slack)) return []
    const { show, value, must } = judged
    return [`${what}: ${show(value)}, must be ${show(must)}${slack === 1 ? '' : `, give or take ${slack}×`}`]
  })
  return [...wrong, ...slow]
}

const heads = ['what', 'ours', 'Prometheus', 'judged', 'must', 'aim', 'holds']

/** The table in Markdown, readable as it is. */
export function tableOf({ rows }: Section): string {
  const cells = [heads, ...rows.map(cellsOf)]
  const widths = heads.map((_, column) => Math.max(...cells.map(row => (row[column] ?? '').length)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [head = [], ...rest] = cells
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rest.map(line)].join('\n')
}

function cellsOf({ what, ours, peer, judged, fault }: Row): string[] {
  if (fault !== null) return [what, 'wrong', '', '', '', '', `no: ${fault}`]
  if (!judged) return [what, ours, peer, '', '', '', 'reported']
  const { value, better, must, aim, show } = judged
  const sign = better === 'more' ? '≥' : '≤'
  const verdict = !holds(judged) ? 'no' : reached(judged) ? 'yes, and the aim' : 'yes, not the aim'
  return [what, ours, peer, show(value), `${sign} ${show(must)}`, `${sign} ${show(aim)}`, verdict]
}
