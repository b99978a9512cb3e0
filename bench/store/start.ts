import type { Disk } from '../../src/engine/disk/disk.ts'
import { openEngine } from '../../src/engine/engine.ts'
import type { Host } from '../../src/engine/model/host.ts'

/** From nothing to the answer of a range query over the last hour. */
export async function startAndQuery(openDisk: () => Promise<Disk>, host: Host, expr: string, end: number) {
  const start = performance.now()
  const disk = await openDisk()
  const diskAt = performance.now()
  const engine = await openEngine({
    ...{ host, disk, kind: 'test', version: 'bench', build: 1, engineId: 'bench' },
    ...{ selfUrl: null, sidecarUrl: null, config: '' },
  })
  const engineAt = performance.now()
  const answer = await engine.queryRange({ expr, start: end - 3600_000, end, step: 60_000 })
  const answeredAt = performance.now()
  await engine.close()
  return {
    diskSeconds: (diskAt - start) / 1000,
    engineSeconds: (engineAt - diskAt) / 1000,
    querySeconds: (answeredAt - engineAt) / 1000,
    seconds: (answeredAt - start) / 1000,
    rows: answer.labels.length,
    points: answer.present.reduce((sum, one) => sum + one, 0),
    sum: answer.values.reduce((sum, v) => sum + (v || 0), 0),
  }
}
