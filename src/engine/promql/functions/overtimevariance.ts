import { compensate } from '../../model/kahan.ts'
import type { FloatSamples } from '../samples/samples.ts'
import { ofFloats, perWindow } from './rangeskernels.ts'

export const variance = ofFloats(perWindow(1, varianceOf))

export const standardDeviation = ofFloats(
  perWindow(1, (floats, from, to) => Math.sqrt(varianceOf(floats, from, to))),
)

/** Welford's way, each sum compensated. */
function varianceOf({ v }: FloatSamples, from: number, to: number): number {
  let n = 0
  let mean = 0
  let meanAside = 0
  let squares = 0
  let squaresAside = 0
  for (let i = from; i < to; i++) {
    const value = v[i] as number
    n++
    const delta = value - (mean + meanAside)
    const nextMean = mean + delta / n
    meanAside = compensate(meanAside, mean, delta / n, nextMean)
    mean = nextMean
    const square = delta * (value - (mean + meanAside))
    const nextSquares = squares + square
    squaresAside = compensate(squaresAside, squares, square, nextSquares)
    squares = nextSquares
  }
  return (squares + squaresAside) / n
}
