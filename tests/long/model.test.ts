import { testSeeds } from './seeds.ts'

// Five thousand here and five in another file, which runs beside this one.
testSeeds(1000, 6000)
