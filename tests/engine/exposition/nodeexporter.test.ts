import { expect, onTestFinished, test } from 'vitest'
import { TextCursor } from '../../../src/engine/exposition/text.ts'
import { peer, startNodeExporter } from '../../peers.ts'

const nodeExporter = peer('prometheus-node-exporter')

type Sample = readonly [labels: Record<string, string>, value: string]

/** Reads what node_exporter writes, line by line and without any care. */
function naively(text: string): Sample[] {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return lines.map(line => {
    const [, name = '', body = '', value] = /^([^{ ]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    const pairs = [...body.matchAll(/(\w+)="((?:\\.|[^"\\])*)"/g)].map(([, label = '', written = '']) => {
      const plain = JSON.parse(`"${written}"`) as string
      // The only ones whose notation is changed in what node_exporter has of its own.
      const isBound = label === 'quantile' || label === 'le'
      return [label, isBound && /^\d+$/.test(plain) ? `${plain}.0` : plain]
    })
    return [
      Object.fromEntries([['__name__', name], ...pairs]),
      String(Number(value?.replace('Inf', 'Infinity'))),
    ]
  })
}

function samplesOf(bytes: Uint8Array): Sample[] {
  const cursor = new TextCursor(bytes)
  const samples: Sample[] = []
  for (let entry = cursor.next(); entry !== 'end'; entry = cursor.next()) {
    if (entry === 'series') samples.push([Object.fromEntries(cursor.labels()), String(cursor.value)])
  }
  return samples
}

test.skipIf(nodeExporter.missing)(`what ${nodeExporter.name} exposes is read to the last bit`, async () => {
  const running = await startNodeExporter()
  onTestFinished(() => running.stop())
  const response = await fetch(`${running.url}/metrics`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  const expected = naively(new TextDecoder().decode(bytes))
  expect(expected.length).toBeGreaterThan(300)
  expect(samplesOf(bytes)).toEqual(expected)
})
