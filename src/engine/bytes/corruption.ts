/** Bytes are not what their format promises. `offset` counts from the start of what was being read; whoever
 *  opened the file adds its name with `in`. */
export class CorruptionError extends Error {
  override readonly name = 'CorruptionError'
  readonly offset: number

  constructor(message: string, offset: number, options?: ErrorOptions) {
    super(`${message} at byte ${offset}`, options)
    this.offset = offset
  }
}
