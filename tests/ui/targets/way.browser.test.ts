import { mount, unmount } from 'svelte'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import TargetsPage from '../../../src/ui/targets/TargetsPage.svelte'
import { FakeClient } from '../fakeclient.ts'

const url = 'http://host-2:9100/metrics'
const on = 'Scrape it through this page’s server'
const off = `Scrape ${url} directly again`

let client: FakeClient
let app: Record<string, unknown>
let target: HTMLElement

beforeEach(async () => {
  await page.viewport(1280, 800)
  client = new FakeClient()
  target = document.body.appendChild(document.createElement('div'))
  app = mount(TargetsPage, { target, props: { client } })
})
afterEach(async () => {
  await unmount(app)
  target.remove()
})

const down = () => page.getByRole('article', { name: url })
const proxied = () => client.list.filter(one => one.proxied).map(one => one.url)

test('a target goes through the server and back by the keyboard, which keeps its place', async () => {
  const others = proxied()
  const button = down().getByRole('button', { name: on })
  await expect.element(button).toBeVisible()
  ;(button.element() as HTMLElement).focus()
  await userEvent.keyboard('{Enter}')
  await expect.element(down().getByText('through this page’s server')).toBeVisible()
  await expect.element(button).not.toBeInTheDocument()
  await expect.element(down()).toHaveFocus()
  expect(proxied()).toEqual([url, ...others])

  const back = down().getByRole('button', { name: off })
  ;(back.element() as HTMLElement).focus()
  await userEvent.keyboard(' ')
  await expect.element(back).not.toBeInTheDocument()
  await expect.element(down()).toHaveFocus()
  await expect.element(button).toBeVisible()
  expect(proxied()).toEqual(others)
})

test('a target on its way through the server is not offered it again', async () => {
  client.list = client.list.map(one => ({ ...one, proxied: true }))
  client.diagnosis = { kind: 'proxy', error: 'the server of this page does not answer: Failed to fetch' }
  await expect.element(down().getByRole('button', { name: off })).toBeVisible()
  await expect.element(down()).toHaveTextContent('and that fails: the server of this page does not answer')
  await expect.element(down().getByRole('button', { name: on })).not.toBeInTheDocument()
})

test('where no server can do it, it is said what has one', async () => {
  client.diagnosis = { kind: 'cors', header: 'Access-Control-Allow-Origin: *', proxy: false }
  await userEvent.click(down().getByRole('button', { name: 'Check again' }))
  await expect.element(down()).toHaveTextContent('open this page from npm start')
  await expect.element(down().getByRole('button', { name: on })).not.toBeInTheDocument()
})

test('a refusal of the engine is shown beside the button', async () => {
  client.refusal = new Error('static_configs is written with a YAML alias')
  await userEvent.click(down().getByRole('button', { name: on }))
  await expect.element(down().getByRole('alert')).toHaveTextContent('written with a YAML alias')
  await expect.element(down().getByRole('button', { name: on })).toBeVisible()
})
