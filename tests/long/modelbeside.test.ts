import { testSeeds } from './seeds.ts'

testSeeds(6000, 11_000)
