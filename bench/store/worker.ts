import { openMounted } from '../../src/disks/mounted.ts'
import { browserHost } from '../../src/hosts/browserhost.ts'
import { storeCases } from './cases.ts'

const cases = storeCases({ host: browserHost(), openDisk: scope => openMounted({ scope }) })
Object.assign(globalThis, { bench: cases })
