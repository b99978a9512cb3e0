import axe from 'axe-core'
import { mount, tick, unmount } from 'svelte'
import { expect, test } from 'vitest'
import { page } from 'vitest/browser'
import App from '../../src/ui/App.svelte'
import { FakeClient } from './fakeclient.ts'

const views = {
  graph: '#/query?g0.expr=rate(http_requests_total[5m])&g0.range_input=5m',
  'first start': '#/query',
  error: '#/query?g0.expr=up(((1',
  empty: '#/query?g0.expr=nothing',
  table: '#/query?g0.expr=up&g0.tab=table',
  tree: '#/query?g0.expr=sum(rate(up[5m]))/2&g0.show_tree=1',
  notes: '#/query?g0.expr=rate(up[5m])%20%2B%20quantile(2,%20up)',
  histograms: '#/query?g0.expr=request_seconds&g0.tab=table',
  'a graph with histograms': '#/query?g0.expr=request_seconds',
  'one block': '#/query?g0.expr=up&block=01KAMJ6V0000000000000000QX',
  targets: '#/targets',
  blocks: '#/blocks',
  status: '#/status',
}

for (const theme of ['light', 'dark'] as const) {
  test.each(Object.entries(views))(`axe finds nothing wrong with %s in ${theme}`, async (_, hash) => {
    await page.viewport(1280, 900)
    localStorage.setItem('brazier-theme', theme)
    history.replaceState(null, '', hash)
    const client = new FakeClient()
    client.notices = [{ kind: 'disk-full', detail: 'wal/00000003' }]
    client.stored = {
      ...client.stored,
      broken: [{ ulid: '01KAMJ6V0000000000000009QX', error: 'index: want 1, found 2 at byte 5' }],
      jobs: [{ id: 1, kind: 'import', name: 'snapshot.tar.gz', phase: 'checking', done: 3, total: 4 }],
    }
    const target = document.body.appendChild(document.createElement('div'))
    const app = mount(App, { target, props: { client } })
    // Until answers and the diagnosis of a target have been drawn.
    await new Promise(resolve => setTimeout(resolve, 400))
    for (const details of target.querySelectorAll('td details')) details.setAttribute('open', '')
    await tick()
    // A colour on its way to another is neither.
    await Promise.all(document.getAnimations().map(({ finished }) => finished))
    const { violations } = await axe.run(document, {
      // The page under test is an iframe of the runner, whose document has neither language nor title of its own.
      rules: { 'html-has-lang': { enabled: false } },
    })
    await unmount(app)
    target.remove()
    const found = violations.map(
      v => `${v.id}: ${v.nodes.map(node => `${node.html} ${node.failureSummary}`).join('; ')}`,
    )
    expect(found).toEqual([])
  })
}
