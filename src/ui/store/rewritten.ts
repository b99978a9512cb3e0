// What has come of rewriting the blocks, told from those before and after.
import type { BlockInfo } from '../../engine/api/service.ts'
import { formatBytes } from '../format/number.ts'
import { texts } from '../texts.ts'

/** `3 blocks became one.` */
export function compactedText(before: readonly BlockInfo[], after: readonly BlockInfo[]): string {
  const { compacted: t } = texts.store
  const made = without(after, before).length
  const gone = without(before, after).length
  if (made > 0 && gone > 0) return t.merged(made, gone)
  if (made > 0) return t.made(made)
  return gone > 0 ? t.gone(gone) : t.nothing
}

/** `2 blocks were rewritten: 1.46 MiB less.` */
export function cleanedText(before: readonly BlockInfo[], after: readonly BlockInfo[]): string {
  const { store: t } = texts
  const bytes = (blocks: readonly BlockInfo[]) => blocks.reduce((sum, block) => sum + block.bytes, 0)
  const rewritten = without(before, after)
  const less = Math.max(0, bytes(rewritten) - bytes(without(after, before)))
  return rewritten.length > 0 ? t.cleaned(rewritten.length, formatBytes(less)) : t.cleanedNothing
}

function without(blocks: readonly BlockInfo[], others: readonly BlockInfo[]): BlockInfo[] {
  const known = new Set(others.map(({ ulid }) => ulid))
  return blocks.filter(({ ulid }) => !known.has(ulid))
}
