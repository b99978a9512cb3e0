// npm run promqltest: runs scripts in the language of upstream's promqltest. Builds when needed.
import { ensureBuild } from './ensure-build.mjs'

const code = ensureBuild({ only: 'build:node', quiet: true })
if (code === 0) await import('../dist-node/promqltest.js')
else process.exitCode = code
