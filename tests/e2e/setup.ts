import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FullConfig } from '@playwright/test'
import { build } from 'vite'
import { ensureBuild } from '../../scripts/ensure-build.mjs'
import { releaseFolder, releases } from './releases.ts'
import { startSite } from './servers.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Sees to what all specs stand on: a build, two releases, and a static host under a sub-path. */
export default async function (config: FullConfig): Promise<() => Promise<void>> {
  if (ensureBuild() !== 0) throw new Error('npm run build failed')
  // Both older than any real build, so that neither can retire the one under test elsewhere.
  for (const [i, release] of releases.entries()) await buildRelease(releaseFolder(release), 1000 + i)
  const { baseURL } = config.projects.find(project => project.name === 'subpath')?.use ?? {}
  if (baseURL === undefined) throw new Error('the project subpath has no baseURL')
  const { pathname, port } = new URL(baseURL)
  const site = await startSite({ base: pathname, port: Number(port) })
  return site.stop
}

/** Builds anew only when the page has been built since. */
async function buildRelease(outDir: string, number: number): Promise<void> {
  const built = (folder: string) =>
    statSync(join(folder, 'index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (built(outDir) > built(join(root, 'dist'))) return
  process.env['BRAZIER_BUILD'] = String(number)
  try {
    await build({ root, logLevel: 'error', build: { outDir, emptyOutDir: true } })
  } finally {
    delete process.env['BRAZIER_BUILD']
  }
}
