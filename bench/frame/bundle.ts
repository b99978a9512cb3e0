import { join } from 'node:path'
import { build } from 'vite'

const root = join(import.meta.dirname, '../..')

/** Builds an entry as the product is built, into one file of a folder: minified for a browser's worker, or for Node.
 *  @param entry path from the root
 *  @returns the file's name in the folder */
export async function bundle(entry: string, folder: string, kind: 'worker' | 'node'): Promise<string> {
  const name = `${kind}.js`
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    ssr: { noExternal: true },
    define: { __APP_VERSION__: '"bench"', __BUILD__: '1' },
    build: {
      target: kind === 'node' ? 'node20' : 'es2022',
      outDir: folder,
      emptyOutDir: false,
      copyPublicDir: false,
      ssr: kind === 'node',
      modulePreload: false,
      rolldownOptions: {
        input: join(root, entry),
        output: { entryFileNames: name, codeSplitting: false },
      },
    },
  })
  return name
}
