// npm run tsdb: works on the store in a folder. Builds when needed.
import { ensureBuild } from './ensure-build.mjs'

const code = ensureBuild({ only: 'build:node', quiet: true })
if (code === 0) await import('../dist-node/tsdb.js')
else process.exitCode = code
