import { expect, test } from 'vitest'
import { generationOf, namesFor, type Names } from '../../src/hosts/names.ts'

function all(names: Names): string[] {
  const texts = Object.values(names).filter(value => typeof value === 'string')
  return [...texts, names.tabLock('t'), names.door('d'), names.worker(7, 1)]
}

test('two copies of the page on one origin have no name in common', () => {
  const bases = ['/', '/a/', '/a/b/', '/a-b/']
  const seen = bases.flatMap(base => all(namesFor(base)))
  expect(new Set(seen).size).toBe(seen.length)
})

test('no name of a store or cache is the beginning of one of another copy', () => {
  // Both are found by what their names begin with.
  const { store, cache } = namesFor('/a/')
  for (const other of [namesFor('/a/b/'), namesFor('/a-b/'), namesFor('/')]) {
    expect(`${other.store}#files`.startsWith(`${store}#`)).toBe(false)
    expect(other.cache.startsWith(cache)).toBe(false)
  }
})

test('a worker has another name in every build and generation', () => {
  const { worker } = namesFor('/')
  expect([generationOf(worker(12, 0)), generationOf(worker(1, 34)), generationOf('')]).toEqual([0, 34, 0])
  expect(new Set([worker(1, 0), worker(1, 1), worker(11, 0), worker(2, 0)]).size).toBe(4)
})
