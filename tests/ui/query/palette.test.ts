import { describe, expect, test } from 'vitest'
import { frameInk, ink, Slots } from '../../../src/ui/query/palette.ts'

type Rgb = readonly [number, number, number]

/** Linear light of an sRGB colour. */
function linear(hex: string): Rgb {
  const part = (i: number) => {
    const c = parseInt(hex.slice(i, i + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  }
  return [part(1), part(3), part(5)]
}
const luminance = ([r, g, b]: Rgb) => 0.2126 * r + 0.7152 * g + 0.0722 * b

function contrast(a: string, b: string): number {
  const [x, y] = [luminance(linear(a)) + 0.05, luminance(linear(b)) + 0.05]
  return Math.max(x, y) / Math.min(x, y)
}

// How colours look to people without one of the three cones (Machado, Oliveira, Fernandes 2009, severity 1).
const sight: Record<string, readonly Rgb[]> = {
  'full colour sight': [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
}

function seen(hex: string, matrix: readonly Rgb[]): Rgb {
  const [r, g, b] = linear(hex)
  const [x = 0, y = 0, z = 0] = matrix.map(row =>
    Math.min(1, Math.max(0, row[0] * r + row[1] * g + row[2] * b)),
  )
  return [x, y, z]
}

/** Distance in OKLab, where 0.02 is about the least that can be told apart side by side. */
function distance(a: Rgb, b: Rgb): number {
  const [x, y] = [oklab(a), oklab(b)]
  return Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2])
}
function oklab([r, g, b]: Rgb): Rgb {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

const first = (scheme: 'light' | 'dark') => Array.from({ length: 8 }, (_, i) => ink(i, scheme).stroke)

describe.each(['light', 'dark'] as const)('the palette for %s', scheme => {
  test.each(first(scheme))('%s stands out from the background by 3:1', hex => {
    expect(contrast(hex, frameInk[scheme].background)).toBeGreaterThanOrEqual(3)
  })

  test.each(Object.entries(sight))('its eight hues differ for %s', (_, matrix) => {
    const colours = first(scheme)
    const close = colours.flatMap((a, i) =>
      colours.slice(i + 1).flatMap(b => {
        const d = distance(seen(a, matrix), seen(b, matrix))
        return d < 0.07 ? [`${a} ${b} ${d.toFixed(3)}`] : []
      }),
    )
    expect(close).toEqual([])
  })

  test('the ninth series has the first hue, dashed', () => {
    expect(ink(8, scheme).stroke).toBe(ink(0, scheme).stroke)
    expect(ink(8, scheme).dash).not.toEqual(ink(0, scheme).dash)
  })
})

describe('slots', () => {
  test('are given in order', () => {
    expect(new Slots().assign(['a', 'b', 'c'])).toEqual([0, 1, 2])
  })
  test('stay when another series goes, and a new one takes the free place', () => {
    const slots = new Slots()
    slots.assign(['a', 'b', 'c'])
    expect(slots.assign(['b', 'c'])).toEqual([1, 2])
    expect(slots.assign(['b', 'c', 'd'])).toEqual([1, 2, 0])
  })
  test('are different for different series, whatever came before', () => {
    const slots = new Slots()
    slots.assign(Array.from({ length: 50 }, (_, i) => String(i)))
    const few = slots.assign(['49', 'x', '3', '48'])
    expect(new Set(few).size).toBe(4)
    expect(Math.max(...few)).toBeLessThan(12)
  })
})
