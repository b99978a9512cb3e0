import { join } from 'node:path'

/** Two builds of the same source, the second one newer: for hand-over from one release to the next. */
export const releases = ['older', 'newer'] as const

/** Folder of a release, to be given to a site's `deploy`. */
export function releaseFolder(release: (typeof releases)[number]): string {
  return join(import.meta.dirname, '../../test-results/releases', release)
}
