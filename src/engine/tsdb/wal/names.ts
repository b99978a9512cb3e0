// Names in the folder of a log: segments `00000000`, …, and checkpoints, folders `checkpoint.00000000` that hold
// segments of their own and stand for all segments up to that number.

export function segmentPath(folder: string, number: number): string {
  return `${folder}/${eightDigits(number)}`
}

export function checkpointPath(folder: string, number: number): string {
  return `${folder}/checkpoint.${eightDigits(number)}`
}

/** Numbers of the segments among names, in order. */
export function segmentNumbers(names: readonly string[]): number[] {
  return names
    .filter(name => /^\d{8,15}$/.test(name))
    .map(Number)
    .sort((a, b) => a - b)
}

export interface CheckpointName {
  readonly name: string
  readonly number: number
}

/** The checkpoints among names, in order. */
export function checkpointNames(names: readonly string[]): CheckpointName[] {
  return names
    .flatMap(name => {
      const match = /^checkpoint\.(\d{8,15})$/.exec(name)
      return match ? [{ name, number: Number(match[1]) }] : []
    })
    .sort((a, b) => a.number - b.number)
}

/** Whether an upstream that was killed left this: a checkpoint that it had not finished (`CheckpointTempFileSuffix`). */
export function isUnfinished(name: string): boolean {
  return /^checkpoint\..*\.tmp$/.test(name)
}

function eightDigits(number: number): string {
  return String(number).padStart(8, '0')
}
