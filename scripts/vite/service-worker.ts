import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { build, type Plugin, type ResolvedConfig, type Rolldown } from 'vite'

const entry = 'sw/service-worker.ts'
const file = 'service-worker.js'

/** Builds sw/service-worker.ts into `service-worker.js` beside index.html: one classic script whose name never
 *  changes. `__PRECACHE__` in it becomes `{ version, files }`: every file of the build relative to the page, and
 *  a version that changes when any of them does. The dev server answers the same address, precaching nothing. */
export function serviceWorker(): Plugin {
  let config: ResolvedConfig
  return {
    name: 'brazier:service-worker',
    applyToEnvironment: environment => environment.name === 'client',
    configResolved(resolved) {
      config = resolved
    },
    configureServer(server) {
      server.middlewares.use(`/${file}`, (_request, response, next) => {
        bundle(config, { version: 'dev', files: [] }).then(code => {
          response.setHeader('content-type', 'text/javascript')
          response.setHeader('cache-control', 'no-store')
          response.end(code)
        }, next)
      })
    },
    // Last of all: what public/ holds has been copied by then.
    writeBundle: {
      order: 'post',
      sequential: true,
      async handler() {
        const outDir = resolve(config.root, config.build.outDir)
        writeFileSync(join(outDir, file), await bundle(config, precache(outDir)))
      },
    },
  }
}

interface Precache {
  readonly version: string
  readonly files: readonly string[]
}

function precache(outDir: string): Precache {
  const files = readdirSync(outDir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && !entry.name.endsWith('.map') && entry.name !== file)
    .map(entry => relative(outDir, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
    .sort()
  const hash = createHash('sha256')
  for (const name of files) hash.update(name).update(readFileSync(join(outDir, name)))
  return { version: hash.digest('hex').slice(0, 16), files }
}

async function bundle(config: ResolvedConfig, precache: Precache): Promise<string> {
  const output = (await build({
    configFile: false,
    root: config.root,
    logLevel: 'warn',
    publicDir: false,
    define: { ...config.define, __PRECACHE__: JSON.stringify(precache) },
    build: {
      write: false,
      minify: config.isProduction,
      target: 'es2022',
      rolldownOptions: { input: entry, output: { format: 'iife', codeSplitting: false } },
    },
  })) as Rolldown.RolldownOutput
  return output.output[0].code
}
