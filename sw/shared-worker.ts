import { hostEngine } from '../src/hosts/browser.ts'

// The entry of the engine's worker, shared or dedicated. In a build it is engine.js beside the page.
hostEngine()
