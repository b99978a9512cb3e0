import uPlot from 'uplot'
import { lonePoints } from './columns.ts'

// uPlot's own line drawer knows gaps as nulls, which typed arrays cannot hold; this one knows them as NaN.

/** Draws a series as straight lines between neighbours that are both there. */
export const lines: uPlot.Series.PathBuilder = (u, seriesIndex, first, last) => {
  const stroke = new Path2D()
  uPlot.orient(u, seriesIndex, (_series, x, y, scaleX, scaleY, toX, toY, offsetX, offsetY, width, height) => {
    let open = false
    for (let i = first; i <= last; i++) {
      const value = y[i] as number
      const drawn = !Number.isNaN(value)
      if (drawn) {
        const px = toX(x[i] as number, scaleX, width, offsetX)
        const py = toY(value, scaleY, height, offsetY)
        if (open) stroke.lineTo(px, py)
        else stroke.moveTo(px, py)
      }
      open = drawn
    }
  })
  return { stroke, flags: 0 }
}

/** Asks for a dot at each sample that no line reaches. */
export const lonePointsOf: uPlot.Series.Points.Filter = (u, seriesIndex) => {
  const row = u.data[seriesIndex]
  if (!(row instanceof Float64Array)) return null
  const lone = lonePoints(row, 0, row.length - 1)
  return lone.length > 0 ? lone : null
}
