import { readFileSync } from 'node:fs'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'
import { cspMeta } from './scripts/vite/csp.ts'
import { devBuild } from './scripts/vite/dev-build.ts'
import { serviceWorker } from './scripts/vite/service-worker.ts'

const { version } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as {
  version: string
}
const build = process.env['BRAZIER_BUILD'] ?? String(Math.floor(Date.now() / 1000))

const nodePrograms = ['sidecar/main.ts', 'sidecar/serve.ts', 'sidecar/promqltest.ts', 'sidecar/tsdb.ts']

export default defineConfig(({ command, isSsrBuild }) => ({
  // The page must work under any path of any static host.
  base: './',
  plugins: [svelte(), cspMeta(), serviceWorker(), devBuild()],
  define: {
    __APP_VERSION__: JSON.stringify(version),
    // While developing, the dev-build plugin writes it instead.
    ...(command === 'build' && { __BUILD__: build }),
  },
  // Found late, inside the worker, they would reload the first page.
  optimizeDeps: {
    include: ['comlink', 'idb', 'client-zip', 'fzstd', 'hysnappy', 'modern-tar', 're2js', 'ulid'],
  },
  build: {
    target: isSsrBuild ? 'node20' : 'es2022',
    outDir: isSsrBuild ? 'dist-node' : 'dist',
    ...(isSsrBuild && { rolldownOptions: { input: nodePrograms } }),
    sourcemap: true,
    copyPublicDir: !isSsrBuild,
    // The editor is two thirds of the page; 220 kB of it cross the wire.
    chunkSizeWarningLimit: 800,
  },
  worker: {
    format: 'es',
    // One file that keeps its name: an engine that outlives a deployment has nothing left to load, and the page
    // asks for it as engine.js?v=BUILD.
    rolldownOptions: { output: { entryFileNames: 'engine.js', codeSplitting: false } },
  },
}))
