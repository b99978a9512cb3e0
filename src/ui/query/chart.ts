import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatTicks } from '../format/number.ts'
import { formatTimeTicks } from '../format/time.ts'
import type { Scheme } from '../theme.svelte.ts'
import { extent, nearestRow } from './columns.ts'
import type { Frame } from './frame.ts'
import { lines, lonePointsOf } from './lines.ts'
import { frameInk, ink } from './palette.ts'

/** What the chart shows; everything that changes it stands here. */
export interface Picture {
  readonly frame: Frame
  readonly hidden: ReadonlySet<string>
  readonly scheme: Scheme
  readonly width: number
  readonly height: number
}

/** Where the pointer or the keyboard points: a column, and the series nearest to it. Positions are pixels of the
 *  plotting area, which begins at (`left`, `top`) of the chart. */
export interface Pointed {
  readonly column: number
  readonly row: number
  readonly x: number
  readonly y: number
  readonly area: {
    readonly left: number
    readonly top: number
    readonly width: number
    readonly height: number
  }
}

export interface ChartEvents {
  pointed(at: Pointed | null): void
  /** A part was selected by dragging; milliseconds since the epoch. */
  selected(fromMs: number, toMs: number): void
}

const font = '11px system-ui, sans-serif'

/** The drawing of a graph: holds uPlot, which owns a canvas. */
export class Chart {
  private readonly element: HTMLElement
  private readonly events: ChartEvents
  private plot: uPlot | null = null
  private picture: Picture | null = null

  constructor(element: HTMLElement, events: ChartEvents) {
    this.element = element
    this.events = events
  }

  /** Draws the picture; keeps what is there as far as only values, edges or visibility differ. */
  show(picture: Picture): void {
    const before = this.picture
    this.picture = picture
    if (this.plot && before && sameSeries(before, picture)) this.update(this.plot, before, picture)
    else this.build(picture)
  }

  /** Brings one series to the front by dimming the others; null ends it. */
  emphasise(key: string | null): void {
    const row = key === null ? -1 : (this.picture?.frame.keys.indexOf(key) ?? -1)
    this.plot?.setSeries(row < 0 ? null : row + 1, { focus: row >= 0 })
  }

  /** Moves the pointer by columns, for the keyboard; the first move starts at the right edge. */
  step(by: number): void {
    const { plot, picture } = this
    if (!plot || !picture) return
    const last = picture.frame.x.length - 1
    const column = Math.min(Math.max((plot.cursor.idx ?? last + (by < 0 ? 1 : 0)) + by, 0), last)
    const top = plot.cursor.top ?? -1
    const left = plot.valToPos(picture.frame.x[column] ?? 0, 'x')
    plot.setCursor({ left, top: top >= 0 ? top : plot.over.clientHeight / 2 })
  }

  /** Takes the pointer away. */
  leave(): void {
    this.plot?.setCursor({ left: -10, top: -10 })
  }

  destroy(): void {
    this.plot?.destroy()
    this.plot = null
  }

  private build(picture: Picture): void {
    const old = this.plot
    const plot = new uPlot(this.options(picture), dataOf(picture.frame), this.element)
    // One task takes the old one out and puts the new one in, so nothing flashes.
    old?.destroy()
    this.plot = plot
  }

  private update(plot: uPlot, before: Picture, picture: Picture): void {
    plot.batch(() => {
      if (picture.frame !== before.frame) {
        plot.setData(dataOf(picture.frame), false)
        plot.setScale('x', edges(picture.frame))
      }
      if (picture.hidden !== before.hidden) {
        picture.frame.keys.forEach((key, row) => {
          const show = !picture.hidden.has(key)
          if (plot.series[row + 1]?.show !== show) plot.setSeries(row + 1, { show })
        })
      }
    })
    if (picture.width !== before.width || picture.height !== before.height) plot.setSize(picture)
  }

  private options(picture: Picture): uPlot.Options {
    const { frame, width, height, scheme, hidden } = picture
    const { text, grid } = frameInk[scheme]
    const axis: uPlot.Axis = {
      stroke: text,
      font,
      grid: { stroke: grid, width: 1 },
      ticks: { stroke: grid, width: 1, size: 5 },
    }
    return {
      width,
      height,
      padding: [10, 20, 0, 0],
      legend: { show: false },
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        dataIdx: (_plot, _series, column) => column,
      },
      focus: { alpha: 0.2 },
      scales: { x: { time: true, ...edges(frame) }, y: { range: () => this.yRange() } },
      axes: [
        { ...axis, space: 80, values: (_plot, at, _axis, _space, step) => timeTicks(at, step) },
        { ...axis, size: axisWidth, values: (_plot, at) => formatTicks(at) },
      ],
      series: [{}, ...frame.keys.map((key, row) => seriesOptions(frame, row, scheme, !hidden.has(key)))],
      hooks: {
        setCursor: [plot => this.events.pointed(this.pointed(plot))],
        setSelect: [plot => this.select(plot)],
      },
    }
  }

  /** Room around the values that are shown; a flat line stands in the middle, and without any value there is
   *  still an axis. */
  private yRange(): uPlot.Range.MinMax {
    const values = this.picture && extent(this.picture.frame.rows, row => this.shown(row))
    return values ? uPlot.rangeNum(values[0], values[1], 0.1, true) : [0, 1]
  }

  private shown(row: number): boolean {
    return this.picture !== null && !this.picture.hidden.has(this.picture.frame.keys[row] ?? '')
  }

  private pointed(plot: uPlot): Pointed | null {
    const { idx, left = -1, top = -1 } = plot.cursor
    if (idx === null || idx === undefined || left < 0 || !this.picture) return null
    const { frame } = this.picture
    const row = nearestRow(frame.rows, idx, plot.posToVal(top, 'y'), i => this.shown(i))
    const value = frame.rows[row]?.[idx]
    const ratio = uPlot.pxRatio
    return {
      column: idx,
      row,
      x: plot.valToPos(frame.x[idx] ?? 0, 'x'),
      y: value === undefined ? top : plot.valToPos(value, 'y'),
      area: {
        left: plot.bbox.left / ratio,
        top: plot.bbox.top / ratio,
        width: plot.bbox.width / ratio,
        height: plot.bbox.height / ratio,
      },
    }
  }

  private select(plot: uPlot): void {
    const { left, width } = plot.select
    if (width < 3) return
    const from = plot.posToVal(left, 'x') * 1000
    const to = plot.posToVal(left + width, 'x') * 1000
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    this.events.selected(from, to)
  }
}

function sameSeries(a: Picture, b: Picture): boolean {
  return (
    a.scheme === b.scheme &&
    a.frame.keys.length === b.frame.keys.length &&
    a.frame.keys.every((key, i) => key === b.frame.keys[i] && a.frame.slots[i] === b.frame.slots[i])
  )
}

function dataOf(frame: Frame): uPlot.AlignedData {
  return [frame.x, ...frame.rows]
}

function edges(frame: Frame): { min: number; max: number } {
  return { min: frame.window.from / 1000, max: frame.window.to / 1000 }
}

function seriesOptions(frame: Frame, row: number, scheme: Scheme, show: boolean): uPlot.Series {
  const { stroke, dash } = ink(frame.slots[row] ?? 0, scheme)
  return {
    show,
    // The range is found by yRange: uPlot's own search takes NaN for the least value.
    auto: false,
    stroke,
    dash: [...dash],
    width: 1.5,
    paths: lines,
    points: { show: false, filter: lonePointsOf, size: 4, width: 0, fill: stroke, stroke },
  }
}

function timeTicks(at: number[], stepSeconds: number): string[] {
  return formatTimeTicks(
    at.map(t => t * 1000),
    stepSeconds * 1000,
  )
}

/** As wide as the longest text of the y axis, so that nothing is cut off. */
function axisWidth(plot: uPlot, texts: string[] | null): number {
  const longest = (texts ?? []).reduce((a, b) => (b.length > a.length ? b : a), '')
  plot.ctx.font = font.replace('11px', `${11 * uPlot.pxRatio}px`)
  return Math.max(40, Math.ceil(plot.ctx.measureText(longest).width / uPlot.pxRatio) + 14)
}
