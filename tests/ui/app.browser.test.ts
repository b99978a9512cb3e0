import { mount, tick, unmount } from 'svelte'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import App from '../../src/ui/App.svelte'
import { FakeClient } from './fakeclient.ts'

let client: FakeClient
let app: Record<string, unknown> | undefined
let target: HTMLElement

beforeEach(async () => {
  localStorage.clear()
  delete document.documentElement.dataset.theme
  await page.viewport(1280, 800)
  client = new FakeClient()
})
afterEach(async () => {
  if (app) await unmount(app)
  app = undefined
  target.remove()
})

async function open(hash = '#/query'): Promise<void> {
  history.replaceState(null, '', hash)
  target = document.createElement('div')
  document.body.append(target)
  app = mount(App, { target, props: { client } })
  await tick()
}

/** Nothing is asked again by itself, however long a test takes. */
const link = (expr: string, more = '&g0.refresh=0s') =>
  `#/query?g0.expr=${encodeURIComponent(expr)}&g0.tab=graph&g0.range_input=5m${more}`
const tableOf = (expr: string) => link(expr).replace('graph', 'table')
const expression = () => page.getByLabelText('Expression').getByRole('textbox')
const pressed = (name: string) => page.getByRole('button', { name, exact: true })

async function type(text: string): Promise<void> {
  await userEvent.click(expression())
  await userEvent.keyboard('{Control>}a{/Control}')
  // Braces and brackets have a meaning for the keyboard of the test.
  await userEvent.keyboard(text.replace(/[[{]/g, '$&$&'))
}

/** How many pixels of the graph's canvas have something on them. */
function inked(): number {
  const canvas = target.querySelector('canvas')
  const data = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data
  let count = 0
  for (let i = 3; data && i < data.length; i += 4) if (data[i] !== 0) count++
  return count
}

describe('the query page', () => {
  test('runs a query by itself on the first start and explains itself', async () => {
    await open('#/query')
    await expect.element(page.getByText('Prometheus in this tab')).toBeVisible()
    expect(client.rangeQueries[0]?.expr).toBe(
      'rate(prometheus_tsdb_head_samples_appended_total{type="float"}[1m])',
    )
    await expect.poll(inked).toBeGreaterThan(500)
  })

  test('Enter runs what was typed, and the address says it', async () => {
    await open(link('nothing'))
    await type('up')
    await userEvent.keyboard('{Escape}{Enter}')
    await expect.element(page.getByText('3 series')).toBeVisible()
    expect(new URLSearchParams(location.hash.split('?')[1]).get('g0.expr')).toBe('up')
  })

  test('Shift+Enter begins a new line and runs nothing', async () => {
    await open(link('nothing'))
    await expect.element(page.getByText('No series.')).toBeVisible()
    const before = client.rangeQueries.length
    await type('up')
    await userEvent.keyboard('{Escape}{Shift>}{Enter}{/Shift}')
    expect(target.querySelectorAll('.cm-line').length).toBe(2)
    expect(client.rangeQueries.length).toBe(before)
  })

  test('metric names are completed from the engine', async () => {
    await open(link(''))
    await type('node_')
    await expect.element(page.getByRole('option', { name: 'node_load1' })).toBeVisible()
    // Keys that follow at once were meant for the text: CodeMirror's `interactionDelay`.
    await new Promise(resolve => setTimeout(resolve, 500))
    await userEvent.keyboard('{ArrowDown}{Enter}')
    await expect.element(expression()).toHaveTextContent('node_load1')
  })

  test('the text of an error stands below the editor and its place is underlined', async () => {
    await open(link('up(((1'))
    await expect
      .element(page.getByRole('alert'))
      .toHaveTextContent('1:6: parse error: unclosed left parenthesis')
    await expect.poll(() => target.querySelector('.cm-lintRange-error')?.textContent).toBe('(')
    await type('up')
    await userEvent.keyboard('{Escape}{Enter}')
    await expect.element(page.getByRole('alert')).not.toBeInTheDocument()
    await expect.poll(() => target.querySelector('.cm-lintRange-error')).toBeNull()
  })

  test('the graph before stays until the next answer is there', async () => {
    await open(link('up'))
    await expect.element(page.getByText('3 series')).toBeVisible()
    let release = (): void => undefined
    client.gate = new Promise(resolve => (release = resolve))
    await userEvent.click(page.getByLabelText('Longer range'))
    await expect.poll(() => client.rangeQueries.at(-1)).toMatchObject({ step: 2000 })
    expect(inked()).toBeGreaterThan(500)
    await expect.element(page.getByText('3 series')).toBeVisible()
    release()
    await expect.element(page.getByText('step 2s')).toBeVisible()
  })

  test('a query that another one overtakes changes nothing', async () => {
    let release = (): void => undefined
    client.gate = new Promise(resolve => (release = resolve))
    await open(link('up'))
    history.pushState(null, '', link('gaps'))
    dispatchEvent(new PopStateEvent('popstate'))
    await expect.poll(() => client.rangeQueries.at(-1)?.expr).toBe('gaps')
    release()
    await expect.element(page.getByText('2 series')).toBeVisible()
  })

  test('nothing matching is said in words', async () => {
    await open(link('nothing'))
    await expect.element(page.getByText('No series.')).toBeVisible()
  })

  test('a failure that is not the query’s is said as well', async () => {
    await open(link('broken'))
    await expect.element(page.getByRole('alert')).toHaveTextContent('the disk is gone')
  })

  test('lines have gaps and lone samples have dots', async () => {
    await open(link('gaps'))
    await expect.poll(inked).toBeGreaterThan(500)
  })

  test('the first hundred series are drawn, and all when asked', async () => {
    await open(link('many'))
    await expect.element(page.getByText('The first 100 of 150 series are drawn.')).toBeVisible()
    expect(page.getByRole('list', { name: 'Series' }).getByRole('button').elements().length).toBe(100)
    await userEvent.click(pressed('Draw all'))
    await expect
      .poll(() => page.getByRole('list', { name: 'Series' }).getByRole('button').elements().length)
      .toBe(150)
  })

  test('dragging over the graph asks for finer data of that part', async () => {
    await open(link('up', '&g0.end_input=2026-11-22+12:00:00'))
    await expect.poll(inked).toBeGreaterThan(500)
    const over = target.querySelector('.u-over')!.getBoundingClientRect()
    drag(over.left + over.width * 0.25, over.left + over.width * 0.75, over.top + 50)
    await expect
      .poll(() => new URLSearchParams(location.hash.split('?')[1]).get('g0.range_input'))
      .toMatch(/^2m3\ds$/)
    await expect.poll(() => client.rangeQueries.at(-1)!.end).toBeLessThan(Date.UTC(2026, 10, 22, 12))
    history.back()
    await expect.poll(() => new URLSearchParams(location.hash.split('?')[1]).get('g0.range_input')).toBe('5m')
  })

  test('pointing at the graph shows the nearest series, its time and value', async () => {
    await open(link('up', '&g0.end_input=2026-11-22+12:00:00'))
    await expect.poll(inked).toBeGreaterThan(500)
    const over = target.querySelector('.u-over')!
    const { left, top, width, height } = over.getBoundingClientRect()
    const at = { clientX: left + width / 2, clientY: top + height - 3, bubbles: true }
    over.dispatchEvent(new MouseEvent('mouseenter', at))
    over.dispatchEvent(new MouseEvent('mousemove', at))
    const tip = page.getByRole('main').getByRole('status')
    await expect.element(tip).toHaveTextContent('host-2:9100')
  })

  test('hostile labels stay text', async () => {
    await open(tableOf('<b>'))
    await expect.element(page.getByText('<img src=x onerror=\\"globalThis.hacked=1\\">')).toBeVisible()
    expect(target.querySelector('main img:not([role])')).toBeNull()
    expect('hacked' in globalThis).toBe(false)
  })

  test('a click in the legend shows one series alone, another click all again', async () => {
    await open(link('up'))
    const entries = page.getByRole('list', { name: 'Series' }).getByRole('button')
    await expect.poll(() => entries.elements().length).toBe(3)
    const states = () => entries.elements().map(e => e.getAttribute('aria-pressed'))
    await userEvent.click(entries.nth(1))
    expect(states()).toEqual(['false', 'true', 'false'])
    await userEvent.click(entries.nth(1))
    expect(states()).toEqual(['true', 'true', 'true'])
    await userEvent.keyboard('{Control>}{Enter}{/Control}')
    await expect.poll(states).toEqual(['true', 'false', 'true'])
  })

  test('labels that all series share are said once', async () => {
    await open(link('up'))
    await expect.element(page.getByText('up{job="node"}')).toBeVisible()
    await expect.element(page.getByRole('list', { name: 'Series' })).not.toHaveTextContent('job=')
  })

  test.each([
    ['up', ['up{instance="host-0:9100", job="node"} 1', 'up{instance="host-2:9100", job="node"} 0']],
    ['42', ['scalar 42']],
    ['"text"', ['string text']],
    ['up[5m]', ['1 @2026-11-22']],
  ])('the table shows %s', async (expr, parts) => {
    await open(tableOf(expr))
    const shown = () => target.querySelector('table')?.innerText.replace(/\s+/g, ' ') ?? ''
    for (const part of parts) await expect.poll(shown).toContain(expr === 'up[5m]' ? '1 @' : part)
  })

  test('an info of the engine is shown', async () => {
    await open(link('up'))
    await expect.element(page.getByText('PromQL info: metric might not be a counter (1:1)')).toBeVisible()
  })

  test('a range that is none is refused beside the field', async () => {
    await open(link('up'))
    await userEvent.fill(page.getByRole('textbox', { name: 'Range' }), 'soon')
    await userEvent.keyboard('{Tab}')
    await expect.element(page.getByText('Want a duration such as')).toBeVisible()
  })

  test('an end can be typed, moved, and given up for now', async () => {
    await open(link('up'))
    await userEvent.fill(page.getByRole('textbox', { name: 'End' }), '2026-11-22 12:00')
    await userEvent.keyboard('{Enter}{Tab}')
    const asked = new Date(2026, 10, 22, 12).getTime()
    await expect.poll(() => client.rangeQueries.at(-1)?.end).toBe(asked)
    await userEvent.click(page.getByLabelText('Earlier'))
    await expect.poll(() => client.rangeQueries.at(-1)?.end).toBe(asked - 150_000)
    await userEvent.click(page.getByLabelText('Back to now'))
    await expect.poll(() => location.hash).not.toContain('end_input')
  })

  test('the graph refreshes by itself while the end is now', async () => {
    await open(link('up', '&g0.refresh=1s'))
    await expect.poll(() => client.rangeQueries.length).toBeGreaterThan(2)
  })
})

describe('the targets page', () => {
  test('shows state in words, and what is wrong with a target that is down', async () => {
    await open('#/targets')
    const down = page.getByRole('article', { name: 'http://host-2:9100/metrics' })
    await expect.element(down.getByText('Down')).toBeVisible()
    await expect.element(down).toHaveTextContent('the answer may not be read (CORS)')
    await expect.element(down.getByText('Access-Control-Allow-Origin: *', { exact: true })).toBeVisible()
    await expect.element(page.getByText('1 of 2 up')).toBeVisible()
    await expect.element(page.getByText('Not scraped yet')).toBeVisible()
  })

  test('the diagnosis is made again when asked', async () => {
    await open('#/targets')
    const down = page.getByRole('article', { name: 'http://host-2:9100/metrics' })
    await expect.element(down).toHaveTextContent('does not allow this page to read the answer')
    client.diagnosis = { kind: 'unreachable' }
    await userEvent.click(down.getByRole('button', { name: 'Check again' }))
    await expect.element(down).toHaveTextContent('Nothing answers at host-2:9100')
  })

  test('a bare host and port become a target', async () => {
    await open('#/targets')
    await userEvent.fill(page.getByLabelText('Address'), 'localhost:9187')
    await userEvent.fill(page.getByLabelText('Job'), 'postgres')
    await userEvent.fill(page.getByLabelText('Interval'), '5s')
    await userEvent.keyboard('{Enter}')
    await expect.element(page.getByRole('heading', { name: 'postgres' })).toBeVisible()
    expect(client.added).toEqual([
      { url: 'http://localhost:9187/metrics', job: 'postgres', intervalMs: 5000 },
    ])
  })

  test('what is wrong stands beside its field, which has the focus', async () => {
    await open('#/targets')
    await userEvent.click(page.getByRole('button', { name: 'Add target' }))
    const address = page.getByLabelText('Address')
    await expect.element(address).toHaveFocus()
    await expect.element(address).toHaveAccessibleDescription('Want an address, such as localhost:9100.')
    expect(client.added).toEqual([])
  })

  test('a refusal of the engine is shown and nothing typed is lost', async () => {
    client.refusal = new Error('line 7, column 3: found a second job "node"')
    await open('#/targets')
    await userEvent.fill(page.getByLabelText('Address'), 'localhost:9187')
    await userEvent.keyboard('{Enter}')
    await expect.element(page.getByRole('alert')).toHaveTextContent('found a second job')
    await expect.element(page.getByLabelText('Address')).toHaveValue('localhost:9187')
  })

  test('a target is removed only after asking', async () => {
    await open('#/targets')
    const remove = page.getByRole('button', { name: 'Remove http://localhost:8080/metrics' })
    await userEvent.click(remove)
    await userEvent.click(page.getByRole('button', { name: 'Keep' }))
    expect(client.removed).toEqual([])
    await userEvent.click(remove)
    await userEvent.click(page.getByRole('dialog').getByRole('button', { name: 'Remove' }))
    await expect.element(page.getByRole('heading', { name: 'shop' })).not.toBeInTheDocument()
    expect(client.removed).toEqual(['4'])
  })

  test('without targets it says what one is', async () => {
    client.list = []
    await open('#/targets')
    await expect.element(page.getByText('No targets yet.')).toBeVisible()
  })
})

describe('the shell', () => {
  test('the status page says how the engine stands', async () => {
    await open('#/status')
    for (const text of ['a SharedWorker, one for all tabs', '1,240', '1.46 MiB', '1h 2m']) {
      await expect.element(page.getByText(text)).toBeVisible()
    }
  })

  test('a full disk is told on every page', async () => {
    client.notices = [{ kind: 'disk-full', detail: 'wal/00000003' }]
    await open('#/targets')
    await expect.element(page.getByText('The disk is full')).toBeVisible()
  })

  test('waiting for the engine and an outdated page are told', async () => {
    await open()
    client.connect({ state: 'waiting' })
    await expect.element(page.getByRole('banner')).toHaveTextContent('Waiting for the engine…')
    client.connect({ state: 'outdated' })
    await expect.element(page.getByRole('button', { name: 'Reload' })).toBeVisible()
  })

  test('the theme is chosen, shown and kept', async () => {
    await open()
    await userEvent.click(page.getByLabelText('Theme: as the system'))
    await userEvent.click(page.getByLabelText('Theme: light'))
    expect(document.documentElement.dataset.theme).toBe('dark')
    expect(getComputedStyle(document.documentElement).backgroundColor).toBe('rgb(20, 18, 16)')
    await unmount(app!)
    target.remove()
    await open()
    await expect.element(page.getByLabelText('Theme: dark')).toBeVisible()
  })

  test('pages are reached by keys, but not while typing', async () => {
    await open('#/query')
    await userEvent.keyboard('gt')
    await expect.element(page.getByRole('heading', { name: 'Targets' })).toBeVisible()
    await userEvent.keyboard('gb')
    await expect.element(page.getByRole('heading', { name: 'Blocks' })).toBeVisible()
    await userEvent.keyboard('gs')
    await expect.element(page.getByRole('heading', { name: 'Status' })).toBeVisible()
    await userEvent.keyboard('gq')
    await expect.element(expression()).toBeVisible()
    await userEvent.keyboard('/')
    await expect.poll(() => document.activeElement?.className).toContain('cm-content')
    await userEvent.keyboard('gt')
    expect(location.hash).toContain('#/query')
  })

  test('? shows the keys and Escape closes them', async () => {
    await open()
    await userEvent.keyboard('?')
    await expect.element(page.getByRole('dialog')).toBeVisible()
    await userEvent.keyboard('{Escape}')
    await expect.element(page.getByRole('dialog')).not.toBeInTheDocument()
  })

  test('Query leads back to the query that was there', async () => {
    await open(link('up'))
    await userEvent.click(page.getByRole('link', { name: 'Status' }))
    await userEvent.click(page.getByRole('link', { name: 'Query', exact: true }))
    await expect.poll(() => location.hash).toBe(link('up'))
  })

  test('from the top, the keyboard alone reaches the content and runs a query', async () => {
    await open(link('up'))
    await expect.element(page.getByText('3 series')).toBeVisible()
    await userEvent.keyboard('{Tab}')
    await expect.element(page.getByRole('link', { name: 'Skip to content' })).toHaveFocus()
    await userEvent.keyboard('{Enter}{Tab}{Tab}')
    await expect.element(pressed('Run')).toHaveFocus()
    const before = client.rangeQueries.length
    await userEvent.keyboard('{Enter}')
    await expect.poll(() => client.rangeQueries.length).toBeGreaterThan(before)
  })

  test('the arrow keys move a pointer along the graph', async () => {
    await open(link('up', '&g0.end_input=2026-11-22+12:00:00'))
    await expect.poll(inked).toBeGreaterThan(500)
    target.querySelector<HTMLElement>('[role=img]')!.focus()
    await userEvent.keyboard('{ArrowLeft}')
    const first = () => page.getByRole('main').getByRole('status').element().textContent
    await expect.poll(first).toContain('12:00:00')
    await userEvent.keyboard('{ArrowLeft}')
    await expect.poll(first).toContain('11:59:59')
  })

  const lists = ['#/targets', '#/blocks', '#/status']
  test.each([360, 400, 768])('nothing is wider than a window of %d pixels', async width => {
    await page.viewport(width, 780)
    // The longest thing that the header ever says.
    client.connect({ state: 'waiting' })
    for (const hash of [link('rate(http_requests_total[5m])'), tableOf('up'), ...lists]) {
      await open(hash)
      await vi.waitFor(() => expect(target.querySelector('ul, table, dl')).not.toBeNull())
      expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width)
      await unmount(app!)
      target.remove()
    }
    await open()
  })
})

function drag(fromX: number, toX: number, y: number): void {
  const over = target.querySelector('.u-over')!
  const send = (element: EventTarget, type: string, clientX: number, buttons: number) =>
    element.dispatchEvent(
      new MouseEvent(type, { clientX, clientY: y, bubbles: true, button: 0, buttons, movementX: 1 }),
    )
  send(over, 'mouseenter', fromX, 0)
  send(over, 'mousemove', fromX, 0)
  send(over, 'mousedown', fromX, 1)
  send(document, 'mousemove', toX, 1)
  send(over, 'mousemove', toX, 1)
  send(over, 'mouseup', toX, 0)
}
