import { openNodeFs } from '../../src/disks/nodefs.ts'
import { nodeHost } from '../../src/hosts/nodehost.ts'
import { serveCases } from '../frame/node.ts'
import { storeCases } from './cases.ts'

const host = nodeHost({ userAgent: 'Brazier/bench', folder: '.', write: line => console.error(line) })
serveCases(storeCases({ host, openDisk: openNodeFs }))
