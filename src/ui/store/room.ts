import type { BlockInfo, StorageStatus } from '../../engine/api/service.ts'
import { formatBytes, parseBytes } from '../format/number.ts'
import { texts } from '../texts.ts'

/** Of a part of the store: blocks by their level, the logs, the finished chunks of the head. */
type PartKind = keyof typeof texts.store.parts

interface Part {
  readonly kind: PartKind
  readonly bytes: number
  /** Of the bar's width, which is the budget, or what is used when that is more. */
  readonly percent: number
}

/** What uses the store's room, and how much of it there is. */
export interface Room {
  readonly used: number
  readonly budget: number
  /** Blocks from the youngest level on, then logs and head. Empty parts are left out. */
  readonly parts: readonly Part[]
}

export function roomOf(storage: StorageStatus, blocks: readonly BlockInfo[]): Room {
  const ofLevel = (fits: (level: number) => boolean) =>
    blocks.filter(({ level }) => fits(level)).reduce((sum, { bytes }) => sum + bytes, 0)
  const bytes: readonly (readonly [PartKind, number])[] = [
    ['level1', ofLevel(level => level <= 1)],
    ['level2', ofLevel(level => level === 2)],
    ['level3', ofLevel(level => level > 2)],
    ['wal', storage.wal],
    ['wbl', storage.wbl],
    ['headChunks', storage.headChunks],
  ]
  const { budget } = storage
  const used = usedBytes(storage)
  const percent = 100 / Math.max(budget, used, 1)
  const parts = bytes.filter(([, n]) => n > 0).map(([kind, n]) => ({ kind, bytes: n, percent: n * percent }))
  return { used, budget, parts }
}

/** What counts against the budget: snapshots do not. */
function usedBytes({ blocks, wal, wbl, headChunks }: StorageStatus): number {
  return blocks + wal + wbl + headChunks
}

/** Bytes of a budget as somebody wrote it; null for none, which is the default; or what is wrong with the text. */
export function readBudget(draft: string): { bytes: number | null } | { error: string } {
  if (draft.trim() === '') return { bytes: null }
  const bytes = parseBytes(draft)
  return bytes ? { bytes } : { error: texts.store.badBudget }
}

/** What has to be asked before the budget becomes this one, since it may cost blocks; null where it cannot. */
export function budgetQuestion(storage: StorageStatus, bytes: number | null): string | null {
  const { store: t } = texts
  // How much the default is nobody knows here while another one holds.
  if (bytes === null) return storage.budgetIsOwn ? t.confirmDefault : null
  const used = usedBytes(storage)
  return bytes < used ? t.confirmBudget(formatBytes(bytes), formatBytes(used)) : null
}
