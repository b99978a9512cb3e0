import type { Plugin } from 'vite'

/** While developing, every edit that cannot be swapped in place gives `__BUILD__` a new number. The page then asks
 *  for an engine of another name, and the old engine hands over exactly as it does between two releases; without
 *  this `extendedLifetime` would keep the old code alive through any reload. */
export function devBuild(): Plugin {
  const readers = new Set<string>()
  let build = seconds()
  return {
    name: 'brazier:dev-build',
    apply: 'serve',
    enforce: 'pre',
    transform: {
      filter: { id: /\/(src|sw)\//, code: /\b__BUILD__\b/ },
      handler(code, id) {
        readers.add(id)
        return { code: code.replaceAll(/\b__BUILD__\b/g, String(build)), map: null }
      },
    },
    hotUpdate({ file }) {
      if (this.environment.name !== 'client' || /\.(svelte|css)$/.test(file)) return
      // Two edits within a second are still two builds.
      build = Math.max(build + 1, seconds())
      for (const id of readers) {
        const module = this.environment.moduleGraph.getModuleById(id)
        if (module) this.environment.moduleGraph.invalidateModule(module)
      }
    },
  }
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
