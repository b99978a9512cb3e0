import type { NodeStore } from '../src/hosts/nodestore.ts'

type BlockInfo = Awaited<ReturnType<NodeStore['service']['blocks']>>['blocks'][number]
type ImportReport = Awaited<ReturnType<NodeStore['service']['importBlocks']>>

/** Blocks as a table, a line each behind the line of its headings. */
export function blockTable(blocks: readonly BlockInfo[]): string {
  const headings = ['BLOCK', 'FROM', 'UP TO', 'LEVEL', 'SERIES', 'SAMPLES', 'CHUNKS', 'BYTES', 'PINNED']
  const rows = blocks.map(({ ulid, minT, maxT, level, series, samples, chunks, bytes, pinned }) => [
    ...[ulid, timeText(minT), timeText(maxT)],
    ...[level, series, samples, chunks, bytes].map(String),
    pinned ? 'yes' : 'no',
  ])
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map(row => (row[i] ?? '').length)),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd()
  return [headings, ...rows].map(row => `${line(row)}\n`).join('')
}

export function reportText({ imported, known, remarks }: ImportReport): string {
  const there = known.map(ulid => `${ulid} was there already\n`)
  return [blockTable(imported), ...there, ...remarks.map(remark => `${remark}\n`)].join('')
}

/** Times may lie outside of what a date can say. */
function timeText(t: number): string {
  return Math.abs(t) <= 8.64e15 ? new Date(t).toISOString() : String(t)
}
