import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { differences, rowsOf } from '../answers.ts'
import { blockQueries, rangePath, wholeBlock } from '../blockqueries.ts'
import { createBlocks } from '../blocks.ts'
import { peer, startPrometheus } from '../peers.ts'
import { startServe } from './serving.ts'

const programs = [peer('promtool'), peer('prometheus')]
const missing = programs.some(program => program.missing)

test.skipIf(missing)('prometheus answers the same from the blocks that promtool made', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-serve-blocks-'))
  try {
    const made = await createBlocks()
    // A folder each: neither may see what the other writes.
    for (const name of ['ours', 'theirs']) cpSync(made, join(folder, name), { recursive: true })
    const serve = await startServe('--data', join(folder, 'ours'))
    const prometheus = await startPrometheus({ dataDir: join(folder, 'theirs') })
    try {
      for (const expr of blockQueries) {
        const [ours, theirs] = await Promise.all(
          [serve, prometheus].map(async ({ url }) => {
            const response = await fetch(url + rangePath(expr, wholeBlock))
            return (await response.json()) as unknown
          }),
        )
        expect(rowsOf(ours).size, expr).toBeGreaterThan(0)
        expect(differences(ours, theirs), expr).toEqual([])
      }
    } finally {
      await Promise.all([serve.stop(), prometheus.stop()])
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
