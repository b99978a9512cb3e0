import type { EngineStatus, StorageStatus } from '../../engine/api/service.ts'
import { formatBytes, formatCount } from '../format/number.ts'
import { formatAge, formatSpan, formatTime } from '../format/time.ts'
import { texts } from '../texts.ts'

/** What it is, and how it stands. */
export type Fact = readonly [name: string, value: string]

const t = texts.status

/** `now` is when the status was had, in milliseconds. */
export function engineFacts(status: EngineStatus, now: number): Fact[] {
  return [
    [t.version, status.version],
    [t.built, formatTime(status.build * 1000)],
    [t.host, t.hosts[status.host]],
    [t.started, formatTime(status.startedAt)],
    [t.uptime, formatAge(now - status.startedAt)],
    [t.id, status.engineId],
  ]
}

/** @param storage null while it is not known */
export function headFacts({ head }: EngineStatus, storage: StorageStatus | null): Fact[] {
  const { minT, maxT } = head
  return [
    [t.series, formatCount(head.series)],
    [t.chunks, formatCount(head.chunks)],
    [t.first, minT === null ? t.none : formatTime(minT)],
    [t.last, maxT === null ? t.none : formatTime(maxT)],
    [t.span, minT === null || maxT === null ? t.none : formatSpan(maxT - minT)],
    ...(storage ? [[t.headChunks, formatBytes(storage.headChunks)] as const] : []),
  ]
}

/** @param storage null while it is not known */
export function walFacts({ wal }: EngineStatus, storage: StorageStatus | null): Fact[] {
  return [
    [t.segments, formatCount(wal.segments)],
    [t.bytes, formatBytes(wal.bytes)],
    ...(storage ? [[t.wbl, formatBytes(storage.wbl)] as const] : []),
    [t.corruptions, wal.corruptions === 0 ? t.corruptionsNone : formatCount(wal.corruptions)],
  ]
}
