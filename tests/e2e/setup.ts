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
  for (const [i, release] of releases.entries()) {
    // Both older than any real build, so that neither can retire the one under test elsewhere.
    process.env['BRAZIER_BUILD'] = String(1000 + i)
    await build({ root, logLevel: 'error', build: { outDir: releaseFolder(release), emptyOutDir: true } })
  }
  delete process.env['BRAZIER_BUILD']
  const { baseURL } = config.projects.find(project => project.name === 'subpath')?.use ?? {}
  if (baseURL === undefined) throw new Error('the project subpath has no baseURL')
  const { pathname, port } = new URL(baseURL)
  const site = await startSite({ base: pathname, port: Number(port) })
  return site.stop
}
