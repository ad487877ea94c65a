import type { PoolSettings, PoolSizes } from './options.js'
import type { ClaimOptions, PoolOutlook, PoolSource, PoolStats } from './source.js'
import type { Waiting } from './waiting.js'

/** What there is of everything, and what there should be. */
export class Stock<Item, Claimed extends object, Options extends ClaimOptions> {
  readonly settings: PoolSettings<Item>
  readonly source: PoolSource<Item, Claimed, Options>
  readonly waiting: Waiting<Options, Claimed>
  /** Oldest first. */
  readonly ready: Item[] = []
  readonly claimed = new Set<Claimed>()
  /** Being handed out. */
  handing = 0
  /** Being made or prepared. */
  making = 0
  /** Being reset and compared. */
  recycling = 0
  /** Being destroyed. */
  ending = 0
  claims = 0
  misses = 0
  refusals = 0
  destroyed = 0
  recycled = 0

  constructor(
    settings: PoolSettings<Item>,
    source: PoolSource<Item, Claimed, Options>,
    waiting: Waiting<Options, Claimed>,
  ) {
    this.settings = { ...settings }
    this.source = source
    this.waiting = waiting
  }

  resize({ size, low, high }: PoolSizes): void {
    Object.assign(this.settings, { size, low, high })
  }

  /** Refilling begins below it. Where what is released comes back, there must be room left for it. */
  get low(): number {
    const { size, low, recycle } = this.settings
    return low ?? (recycle ? Math.ceil(size / 2) : size)
  }

  /** How many to get ready by making more: fewer than shall be, where those that are claimed come back. */
  get aim(): number {
    const { size, recycle } = this.settings
    return recycle ? Math.max(this.low, size - this.claimed.size - this.handing) : size
  }

  get high(): number {
    return this.settings.high ?? Number.POSITIVE_INFINITY
  }

  get total(): number {
    return this.ready.length + this.coming + this.used
  }

  /** On the way to be ready. */
  get coming(): number {
    return this.making + this.recycling
  }

  /** What exists, and is neither ready nor on the way to be. */
  get used(): number {
    return this.claimed.size + this.handing + this.ending
  }

  /** How many more there should be; less than nothing where there are too many. */
  get lacking(): number {
    return Math.min(this.aim + this.waiting.size - this.ready.length - this.coming, this.high - this.total)
  }

  /** As many are ready as can be. */
  get full(): boolean {
    return this.ready.length >= Math.min(this.aim, this.high - this.used)
  }

  /** Whether one that is released would be kept. */
  get takesBack(): boolean {
    const { size, recycle } = this.settings
    return recycle && this.ready.length + this.coming < size + this.waiting.size
  }

  /** Takes out the oldest that is ready, and stands. */
  shift(): Item | undefined {
    for (let item = this.ready.shift(); item !== undefined; item = this.ready.shift())
      if (this.source.stands(item)) return item
    return undefined
  }

  /** What is told of it. */
  get counts(): Omit<PoolStats, keyof PoolOutlook> {
    const { ready, claimed, handing, coming, waiting, claims, misses, refusals, destroyed, recycled } = this
    return {
      ready: ready.length,
      claimed: claimed.size + handing,
      making: coming,
      waiting: waiting.size,
      claims,
      misses,
      refusals,
      destroyed,
      recycled,
    }
  }

  /** Has one that was claimed reset: it counts as being made from then on. Null where it was destroyed instead. */
  async recycle(claimed: Claimed): Promise<Item | null> {
    this.recycling++
    let item: Item | null = null
    try {
      item = await this.source.recycle(claimed)
    } finally {
      this.recycling--
      if (item !== null) this.making++
    }
    if (item === null) this.destroyed++
    else this.recycled++
    return item
  }

  /** Ends one that was claimed. */
  async release(claimed: Claimed): Promise<null> {
    this.ending++
    try {
      await this.source.release(claimed)
    } finally {
      this.ending--
    }
    this.destroyed++
    return null
  }

  /** Ends what nobody has. It exists until the source says otherwise. */
  async destroy(items: readonly Item[]): Promise<void> {
    const standing = items.filter(item => this.source.stands(item))
    const { length } = standing
    if (length === 0) return
    this.ending += length
    this.destroyed += length
    await this.source.destroy(standing)
    this.ending -= length
  }
}
