// npm run serve: the engine on a folder. Builds when needed; one process, so that a signal to npm reaches it.
import { ensureBuild } from './ensure-build.mjs'

const code = ensureBuild({ only: 'build:node', quiet: true })
if (code === 0) await import('../dist-node/serve.js')
else process.exitCode = code
