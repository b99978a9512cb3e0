import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** How much memory is in use beyond what was before, while bytes pass: JavaScript's heap and the buffers outside of it,
 *  without garbage. */
export class Memory {
  /** Of the process, garbage included. */
  peakResident = 0
  private readonly resident: number
  private base = 0
  private peak = 0
  private passed = 0
  private readonly every: number

  /** @param total bytes that will pass, during which it looks 32 times: each look collects all garbage */
  constructor(total: number) {
    this.every = total / 32
    this.base = inUse()
    this.resident = process.memoryUsage.rss()
  }

  look(bytes: number): void {
    this.passed += bytes
    if (this.passed < this.every) return
    this.passed = 0
    this.peakResident = Math.max(this.peakResident, process.memoryUsage.rss() - this.resident)
    this.peak = Math.max(this.peak, inUse() - this.base)
  }

  takePeak(): number {
    const { peak } = this
    this.passed = 0
    this.base = inUse()
    this.peak = 0
    return peak
  }
}

function inUse(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
