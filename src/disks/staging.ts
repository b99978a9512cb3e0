import type { FileWriter } from '../engine/disk/disk.ts'

/** Fewer and larger writes: each one to a browser's storage costs a millisecond. */
const bufferBytes = 512 * 1024

/** What takes the bytes of a file that is being created, in large pieces. */
export interface Sink<File> {
  /** The bytes may be used again once the promise resolves. */
  write(bytes: Uint8Array): Promise<void>
  close(): Promise<File>
  /** Removes what was written, also when a write has failed. */
  abort(): Promise<void>
}

/** A file in a staging folder: gathers small writes, and keeps a writer from going on where it must not. */
export class StagedFile<File> implements FileWriter {
  /** The complete file, once it is closed. */
  file: File | null = null
  private readonly path: string
  private readonly sink: Promise<Sink<File>>
  private readonly aborted: () => void
  private state: 'open' | 'busy' | 'failed' | 'closed' | 'aborted' = 'open'
  private buffer: Uint8Array | null = null
  private buffered = 0

  /** @param aborted is called when the file does not exist any more */
  constructor(path: string, sink: Promise<Sink<File>>, aborted: () => void) {
    this.path = path
    this.sink = sink
    this.aborted = aborted
  }

  /** Waits until bytes are welcome. */
  async opened(): Promise<void> {
    try {
      await this.sink
    } catch (error) {
      this.state = 'aborted'
      this.aborted()
      throw error
    }
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.step('open', async () => {
      if (this.buffered + bytes.length > bufferBytes) await this.flush()
      if (bytes.length >= bufferBytes) return (await this.sink).write(bytes)
      this.buffer ??= new Uint8Array(bufferBytes)
      this.buffer.set(bytes, this.buffered)
      this.buffered += bytes.length
    })
  }

  close(): Promise<void> {
    return this.step('closed', async () => {
      await this.flush()
      this.buffer = null
      this.file = await (await this.sink).close()
    })
  }

  async abort(): Promise<void> {
    if (this.state === 'closed' || this.state === 'aborted') return
    this.state = 'aborted'
    this.buffer = null
    await (await this.sink).abort()
    this.aborted()
  }

  private async step(next: 'open' | 'closed', work: () => Promise<void>): Promise<void> {
    if (this.state !== 'open') throw new Error(`BUG: ${this.path} is ${this.state} and cannot be written`)
    this.state = 'busy'
    try {
      await work()
      this.settle(next)
    } catch (error) {
      this.settle('failed')
      throw error
    }
  }

  /** An abort may come while a write is running. */
  private settle(state: 'open' | 'closed' | 'failed'): void {
    if (this.state === 'busy') this.state = state
  }

  private async flush(): Promise<void> {
    if (this.buffer === null || this.buffered === 0) return
    const bytes = this.buffer.subarray(0, this.buffered)
    this.buffered = 0
    await (await this.sink).write(bytes)
  }
}
