// npm start: builds when needed, then serves. One process, so that a signal to npm reaches the server.
import { ensureBuild } from './ensure-build.mjs'

const code = ensureBuild()
if (code === 0) await import('../dist-node/main.js')
else process.exitCode = code
