// The programs that tests compare Brazier with. `node scripts/peers.mjs` lists where they are and what is missing.
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Program → the Debian package that has it. */
export const packages = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-node-exporter': 'prometheus-node-exporter',
  'prometheus-pushgateway': 'prometheus-pushgateway',
  'prometheus-alertmanager': 'prometheus-alertmanager',
  'prometheus-blackbox-exporter': 'prometheus-blackbox-exporter',
}

/** Path of a program on PATH, or null.
 *  @param {keyof typeof packages} name
 *  @returns {string | null} */
export function findPeer(name) {
  const paths = (process.env.PATH ?? '').split(delimiter).map(folder => join(folder, name))
  return paths.find(isExecutable) ?? null
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const [name, debian] of Object.entries(packages))
    console.log(`${name}: ${findPeer(name) ?? `missing (apt-get install ${debian})`}`)
}
