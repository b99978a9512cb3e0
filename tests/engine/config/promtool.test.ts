import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { addTarget, setProxied } from '../../../src/engine/config/edit.ts'
import { peer } from '../../peers.ts'

const promtool = peer('promtool')

test.skipIf(promtool.missing)(`${promtool.name} takes a file with a target behind the sidecar`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'brazier-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const target = { job: 'j', url: 'http://h:9100/metrics', intervalMs: 15_000 }
  const file = join(folder, 'prometheus.yml')
  writeFileSync(file, setProxied(addTarget('', target), target, true))
  const said = execFileSync(promtool.path(), ['check', 'config', file], { encoding: 'utf8' })
  expect(said).toContain('SUCCESS')
})
