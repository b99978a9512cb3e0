// npm run bench -- NAME [--quick]: measures beside a real Prometheus.
import { tsImport } from 'tsx/esm/api'

await tsImport('../bench/run.ts', import.meta.url)
