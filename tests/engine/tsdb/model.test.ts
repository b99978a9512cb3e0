import { test } from 'vitest'
import { runSeed } from './model.ts'

// BRAZIER_SEED=17 runs one of them alone. Ten thousand others run with the long tests.
const only = process.env.BRAZIER_SEED
const seeds = only ? [Number(only)] : Array.from({ length: 250 }, (_, i) => i + 1)

test.each(seeds)('seed %i', runSeed)
