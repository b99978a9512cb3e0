/** The engine's own metrics, in Prometheus's exposition format. A metric is made once, by the room that counts;
 *  its children are one per combination of label values. */
export class Registry {
  private readonly families = new Map<string, Family>()

  /** @param labelNames names of the variable labels, in the order in which `with` takes their values */
  counter(name: string, help: string, labelNames: readonly string[] = []): Metric {
    return this.family(name, help, 'counter', labelNames)
  }

  gauge(name: string, help: string, labelNames: readonly string[] = []): Metric {
    return this.family(name, help, 'gauge', labelNames)
  }

  /** A gauge or counter whose value is asked for when the metrics are read. */
  computed(name: string, help: string, type: 'counter' | 'gauge', value: () => number): void {
    this.family(name, help, type, []).computed = value
  }

  /** A summary without quantiles: `_sum` and `_count`. */
  summary(name: string, help: string, labelNames: readonly string[] = []): Summary {
    return this.family(name, help, 'summary', labelNames)
  }

  /** Everything in text format 0.0.4, families sorted by name. */
  text(): string {
    const sorted = [...this.families.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    return sorted.map(family => family.text()).join('')
  }

  private family(name: string, help: string, type: FamilyType, labelNames: readonly string[]): Family {
    const known = this.families.get(name)
    if (known) return known
    const family = new Family(name, help, type, labelNames)
    this.families.set(name, family)
    return family
  }
}

export interface Metric {
  inc(by?: number): void
  set(value: number): void
  /** The child with these label values. */
  with(...values: string[]): Metric
  readonly value: number
}

export interface Summary {
  observe(value: number): void
  with(...values: string[]): Summary
}

type FamilyType = 'counter' | 'gauge' | 'summary'

class Child implements Metric, Summary {
  value = 0
  count = 0
  readonly labels: string
  private readonly family: Family

  constructor(family: Family, labels: string) {
    this.family = family
    this.labels = labels
  }

  inc(by = 1): void {
    this.value += by
  }
  set(value: number): void {
    this.value = value
  }
  observe(value: number): void {
    this.value += value
    this.count++
  }
  with(...values: string[]): Child {
    return this.family.with(...values)
  }
}

class Family implements Metric, Summary {
  computed: (() => number) | null = null
  readonly name: string
  private readonly help: string
  private readonly type: FamilyType
  private readonly labelNames: readonly string[]
  private readonly children = new Map<string, Child>()

  constructor(name: string, help: string, type: FamilyType, labelNames: readonly string[]) {
    this.name = name
    this.help = help
    this.type = type
    this.labelNames = labelNames
    // Without labels there is one child, and it is shown from the start, at 0.
    if (labelNames.length === 0) this.with()
  }

  with(...values: string[]): Child {
    if (values.length !== this.labelNames.length) {
      throw new Error(`BUG: ${this.name} has ${this.labelNames.length} labels, not ${values.length}`)
    }
    const labels = this.labelNames.map((name, i) => `${name}="${escapeValue(values[i] as string)}"`).join(',')
    let child = this.children.get(labels)
    if (!child) this.children.set(labels, (child = new Child(this, labels)))
    return child
  }

  inc(by = 1): void {
    this.with().inc(by)
  }
  set(value: number): void {
    this.with().set(value)
  }
  observe(value: number): void {
    this.with().observe(value)
  }
  get value(): number {
    return this.computed ? this.computed() : this.with().value
  }

  text(): string {
    const lines = [`# HELP ${this.name} ${this.help}`, `# TYPE ${this.name} ${this.type}`]
    for (const child of this.children.values()) {
      const labels = child.labels && `{${child.labels}}`
      const value = this.computed ? this.computed() : child.value
      if (this.type === 'summary') {
        lines.push(`${this.name}_sum${labels} ${value}`, `${this.name}_count${labels} ${child.count}`)
      } else {
        lines.push(`${this.name}${labels} ${value}`)
      }
    }
    return lines.join('\n') + '\n'
  }
}

function escapeValue(value: string): string {
  return value.replace(/[\\"\n]/g, char => (char === '\n' ? '\\n' : `\\${char}`))
}
