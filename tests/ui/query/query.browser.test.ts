import { mount, tick, unmount } from 'svelte'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import App from '../../../src/ui/App.svelte'
import { FakeClient } from '../fakeclient.ts'

let client: FakeClient
let app: Record<string, unknown> | undefined
let target: HTMLElement

beforeEach(async () => {
  localStorage.clear()
  await page.viewport(1280, 800)
  client = new FakeClient()
})
afterEach(async () => {
  if (app) await unmount(app)
  app = undefined
  target.remove()
})

async function open(expr: string, more = ''): Promise<void> {
  const query = `#/query?g0.expr=${encodeURIComponent(expr)}&g0.range_input=5m&g0.refresh=0s${more}`
  history.replaceState(null, '', query)
  target = document.createElement('div')
  document.body.append(target)
  app = mount(App, { target, props: { client } })
  await tick()
}

const expression = () => page.getByLabelText('Expression').getByRole('textbox')
const pressed = (name: string) => page.getByRole('button', { name, exact: true })
const option = (name: string) => page.getByRole('option', { name })
const marked = (severity: string) =>
  Array.from(target.querySelectorAll(`.cm-lintRange-${severity}`), element => element.textContent).join('')
const selected = () => getSelection()?.toString()

async function type(text: string): Promise<void> {
  await userEvent.click(expression())
  await userEvent.keyboard('{Control>}a{/Control}')
  // Braces and brackets have a meaning for the keyboard of the test.
  await userEvent.keyboard(text.replace(/[[{]/g, '$&$&'))
}

/** Keys that follow at once were meant for the text: CodeMirror's `interactionDelay`. */
const settled = () => new Promise(resolve => setTimeout(resolve, 500))

describe('completion', () => {
  test('offers functions with signature and explanation, as the engine has them', async () => {
    await open('')
    await type('label_j')
    await expect
      .element(option('label_join'))
      .toHaveTextContent('(instant vector, string, string[, string …])')
    await settled()
    await userEvent.keyboard('{ArrowDown}')
    await expect.element(page.getByText('Each series with a label made of others')).toBeVisible()
  })

  test('says which aggregations Prometheus wants a flag for', async () => {
    await open('')
    await type('limit_r')
    await expect.element(option('limit_ratio')).toHaveTextContent('(scalar, instant vector)')
    await settled()
    await userEvent.keyboard('{ArrowDown}')
    await expect.element(page.getByText('Experimental.')).toBeVisible()
  })

  test('offers metrics with their type and help', async () => {
    await open('')
    await type('sum(node_l')
    await expect.element(option('node_load1')).toHaveTextContent('node_load1gauge')
    await settled()
    await userEvent.keyboard('{ArrowDown}')
    await expect.element(page.getByText('1m load average.')).toBeVisible()
  })

  test.each([
    ['label names within braces', 'up{', 'instance'],
    ['label values within quotes', 'up{job="', 'shop'],
    ['labels to group by', 'sum by (', 'job'],
    ['lengths of time behind a bracket', 'rate(up[', '5m'],
    ['units of time', 'rate(up[5', 'm'],
    ['modifiers behind a selector', 'up off', 'offset'],
    ['what happens at the ends of a range', 'rate(up[5m] anch', 'anchored'],
    ['times of the query', 'up @ sta', 'start()'],
    ['modifiers of aggregations', 'sum(up) b', 'by'],
    ['how series are matched', 'up / group_l', 'group_left'],
    ['what stands for missing series', 'up / fill_l', 'fill_left'],
  ])('offers %s', async (_, text, expected) => {
    await open('')
    await type(text)
    await expect.element(option(expected).first()).toBeVisible()
  })

  test('narrows values down by the other matchers', async () => {
    const asked: unknown[] = []
    client.labelValues = async (...query: unknown[]) => {
      asked.push(query)
      return ['a']
    }
    await open('')
    await type('up{job!="x", instance="')
    await expect.element(option('a')).toBeVisible()
    expect(asked.at(-1)).toEqual(['instance', { match: ['{__name__="up",job!="x"}'] }])
  })

  test('quotes names that are more than letters', async () => {
    client.metricNames = ['http.requests']
    client.labelNames = async () => ['service.name']
    await open('')
    await type('http')
    await settled()
    await userEvent.keyboard('{ArrowDown}{Enter}')
    await expect.element(expression()).toHaveTextContent('{"http.requests"}')
    await type('up{serv')
    await settled()
    await userEvent.keyboard('{ArrowDown}{Enter}')
    await expect.element(expression()).toHaveTextContent('up{"service.name"}')
  })

  test('asks once for ten thousand metrics, however much is typed', async () => {
    client.metricNames = Array.from({ length: 10_000 }, (_, i) => `metric_${i}_total`)
    let asked = 0
    const { labelValues } = client
    client.labelValues = name => (asked++, labelValues.call(client, name))
    await open('')
    await type('metric_9999')
    await expect.element(option('metric_9999_total')).toBeVisible()
    await type('sum(metric_4321')
    await expect.element(option('metric_4321_total')).toBeVisible()
    expect(asked).toBe(1)
  })
})

describe('an explanation', () => {
  test.each([
    ['a metric', 'node_load1', 'node_load1', '1m load average.'],
    ['a function', 'abs(up)', 'abs', 'The absolute value of each sample.'],
    ['an aggregation', 'sum(up)', 'sum', 'The sum of each group.'],
  ])('is shown where the pointer is on %s', async (_, expr, word, text) => {
    await open(expr)
    await userEvent.hover(expression().getByText(word, { exact: true }))
    await expect.element(page.getByText(text)).toBeVisible()
  })
})

describe('lint', () => {
  test('underlines all problems while somebody types, without a run', async () => {
    await open('')
    await type('rate(up) + irate(down)')
    await expect.poll(() => marked('error')).toBe('updown')
    await expect.element(expression()).toHaveAttribute('aria-invalid', 'true')
    expect(client.rangeQueries).toEqual([])
    await type('up')
    await expect.poll(() => marked('error')).toBe('')
    await expect.element(expression()).not.toHaveAttribute('aria-invalid')
  })

  test('F8 goes to the next problem and says what it is', async () => {
    await open('rate(up)')
    await expect.poll(() => marked('error')).toBe('up')
    await userEvent.click(expression())
    await userEvent.keyboard('{F8}')
    await expect.poll(selected).toBe('up')
    await expect.element(page.getByText('expected type range vector in call').first()).toBeVisible()
  })

  test('an empty editor has no problem', async () => {
    await open('up')
    await userEvent.click(expression())
    await userEvent.keyboard('{Control>}a{/Control}{Backspace}')
    await settled()
    expect(marked('error')).toBe('')
    await expect.element(expression()).not.toHaveAttribute('aria-invalid')
  })

  test('an engine that does not answer disturbs nobody', async () => {
    client.queryProblems = async () => Promise.reject(new Error('gone'))
    await open('')
    await type('rate(up)')
    await settled()
    await expect.element(expression()).toHaveTextContent('rate(up)')
    expect(marked('error')).toBe('')
  })
})

describe('formatting', () => {
  test('by the button writes the expression as Prometheus does, and can be undone', async () => {
    await open('')
    await type('sum  by(job)(up) ')
    await userEvent.click(pressed('Format'))
    await expect.element(expression()).toHaveTextContent('sum by (job) (up)')
    await userEvent.click(expression())
    await userEvent.keyboard('{Control>}z{/Control}')
    await expect.poll(() => expression().element().textContent).toBe('sum  by(job)(up) ')
  })

  test('by its keys says why it cannot be done, and changes nothing', async () => {
    await open('')
    await type('up(((1')
    await userEvent.keyboard('{Escape}{Shift>}{Alt>}f{/Alt}{/Shift}')
    await expect.element(page.getByRole('alert')).toHaveTextContent('unclosed left parenthesis')
    await expect.element(expression()).toHaveTextContent('up(((1')
  })
})

describe('places', () => {
  test('of an error are shown on demand', async () => {
    await open('up(((1')
    await userEvent.click(pressed('Show where'))
    await expect.poll(selected).toBe('(')
  })

  test('of warnings and infos are underlined, and shown when clicked', async () => {
    await open('rate(up[5m]) + quantile(2, up)')
    await expect.poll(() => marked('info')).toBe('up[5m]')
    expect(marked('warning')).toBe('2')
    await userEvent.click(page.getByRole('button', { name: 'metric might not be a counter' }))
    await expect.poll(selected).toBe('up[5m]')
  })

  test('belong to the text that was asked about, and to no other', async () => {
    await open('rate(up[5m]) + quantile(2, up)')
    await expect.poll(() => marked('info')).toBe('up[5m]')
    await type('up')
    await expect.poll(() => marked('info')).toBe('')
    await expect.element(page.getByText('metric might not be a counter')).toBeVisible()
    await expect.element(page.getByRole('button', { name: 'metric might not be' })).not.toBeInTheDocument()
  })
})

describe('the tree', () => {
  const items = () => page.getByRole('treeitem')
  const textOf = (at: number) => items().nth(at).element().textContent.replace(/\s+/g, ' ').trim()
  const deep = 'sum(rate(up[5m])) / (count(up) + 1)'

  test('is there when wanted, and the address says so', async () => {
    await open('sum(up)')
    await expect.element(page.getByText('No series.')).toBeVisible()
    await userEvent.click(pressed('Tree'))
    await expect.element(items().first()).toBeVisible()
    expect(location.hash).toContain('g0.show_tree=1')
    await userEvent.click(pressed('Tree'))
    await expect.element(page.getByRole('tree')).not.toBeInTheDocument()
  })

  test('shows each part with its series, samples and time', async () => {
    await open(deep, '&g0.show_tree=1')
    await expect.poll(() => items().elements().length).toBe(7)
    await expect.poll(() => textOf(0)).toBe('… / … Series 3 Samples 720 Own time 42 ms')
    expect(textOf(3)).toBe('up[5m] range vector Series 192 Samples 46,080 Own time 5.3 ms')
    expect(items().nth(3).element().getAttribute('aria-level')).toBe('4')
  })

  test('without statistics shows the parts alone', async () => {
    client.queryRange = async query => ({ ...(await new FakeClient().queryRange({ ...query, expr: 'up' })) })
    await open(deep, '&g0.show_tree=1')
    await expect.poll(() => items().elements().length).toBe(7)
    expect(textOf(0)).toBe('… / …')
  })

  test('is walked, folded and unfolded by keys', async () => {
    await open(deep, '&g0.show_tree=1')
    await expect.poll(() => items().elements().length).toBe(7)
    items().first().element().focus()
    await userEvent.keyboard('{ArrowDown}{ArrowLeft}')
    await expect.poll(() => items().elements().length).toBe(5)
    expect(items().nth(1).element().getAttribute('aria-expanded')).toBe('false')
    await userEvent.keyboard('{ArrowDown}')
    await expect.element(items().nth(2)).toHaveFocus()
    expect(textOf(2)).toContain('… + 1')
    await userEvent.keyboard('{ArrowUp}{ArrowRight}')
    await expect.poll(() => items().elements().length).toBe(7)
  })

  test('shows a part in the editor', async () => {
    await open(deep, '&g0.show_tree=1')
    await userEvent.click(items().nth(3))
    await expect.poll(selected).toBe('up[5m]')
  })

  test('of an expression that cannot be read says so', async () => {
    await open('sum(', '&g0.show_tree=1')
    await expect.element(page.getByText('The expression cannot be read.')).toBeVisible()
  })
})

describe('native histograms', () => {
  test('are count and sum in the table, and their buckets when unfolded', async () => {
    await open('request_seconds', '&g0.tab=table')
    await expect.element(page.getByText('count 21.5 sum 96.25')).toBeVisible()
    expect(page.getByText('(1, 2]').elements()).toEqual([])
    await userEvent.click(page.getByText('count 21.5 sum 96.25'))
    const rows = page.getByRole('group', { name: 'Buckets' }).getByRole('row').elements()
    const cells = rows.slice(1).map(row => Array.from(row.querySelectorAll('td'), td => td.textContent))
    expect(cells.map(([bucket, , count]) => `${bucket} ${count}`)).toEqual([
      '[-4, -2) 3',
      '[-0.5, 0.5] 2',
      '(1, 2] 12',
      '(8, 16] 4.5',
    ])
  })

  test('stand among the samples of a range with their times', async () => {
    await open('request_seconds[5m]', '&g0.tab=table')
    await expect.element(page.getByText(/count 21.5 sum 96.25/)).toBeVisible()
    expect(target.querySelector('td.value')?.textContent).toMatch(/3\s*@.*sum\s*96\.25\s*@2/s)
  })

  test('are not drawn in the graph, which says how many there are and what to do', async () => {
    await open('request_seconds')
    await expect.element(page.getByText(/\d+ points are native histograms and not drawn/)).toBeVisible()
    await expect.element(page.getByText('histogram_quantile(0.9, …)')).toBeVisible()
    expect(page.getByRole('list', { name: 'Series' }).getByRole('button').elements().length).toBe(1)
  })

  test('alone leave the graph empty, and not without a word', async () => {
    const { queryRange } = client
    client.queryRange = async query => {
      const answer = await queryRange.call(client, query)
      return { ...answer, present: answer.present.fill(2) }
    }
    await open('request_seconds')
    await expect.element(page.getByText('Only native histograms.')).toBeVisible()
  })
})

test.each([360, 768])('trees, notes and histograms are not wider than a window of %d pixels', async width => {
  await page.viewport(width, 780)
  for (const [expr, more] of [
    [
      'sum by (a_long_label) (rate(a_metric_with_a_rather_long_name_total{handler="/api/v1/query"}[5m])) / 2',
      '&g0.show_tree=1',
    ],
    ['rate(up[5m]) + quantile(2, up)', ''],
    ['request_seconds', '&g0.tab=table'],
    ['request_seconds', ''],
  ] as const) {
    await open(expr, more)
    await expect.poll(() => target.querySelector('[role=treeitem], details, canvas')).not.toBeNull()
    target.querySelector('details')?.setAttribute('open', '')
    await tick()
    expect(document.documentElement.scrollWidth).toBeLessThanOrEqual(width)
    await unmount(app!)
    target.remove()
  }
  await open('up')
})
