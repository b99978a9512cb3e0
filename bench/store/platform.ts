import type { Disk } from '../../src/engine/disk/disk.ts'
import type { Host } from '../../src/engine/model/host.ts'

/** What the cases need of where they run. */
export interface Platform {
  readonly host: Host
  /** Opens the real disk.
   *  @param place a folder in Node, the name of a store in a browser */
  readonly openDisk: (place: string) => Promise<Disk>
}
