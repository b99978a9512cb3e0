import { inside } from '../engine/disk/paths.ts'

/** Lets the writes to one path happen one after the other, in the order in which they were asked for. */
export class WriteOrder {
  /** The last write to each path: the next one waits for it. */
  private readonly last = new Map<string, Promise<unknown>>()

  /** Runs a write after those that came before it, whatever became of them. */
  run<T>(path: string, write: () => Promise<T>): Promise<T> {
    const before = this.last.get(path) ?? Promise.resolve()
    const done = before.catch(() => undefined).then(write)
    this.last.set(path, done)
    const forget = () => {
      if (this.last.get(path) === done) this.last.delete(path)
    }
    done.then(forget, forget)
    return done
  }

  /** Waits for the writes that are running, by default to all paths. */
  async settled(folder?: string): Promise<void> {
    const running = [...this.last].filter(([path]) => folder === undefined || inside(path, folder))
    await Promise.allSettled(running.map(([, done]) => done))
  }
}
