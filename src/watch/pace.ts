/** So many at once, and then one in so many milliseconds. */
export interface Allowance {
  burst: number
  everyMs: number
}

/** When something may be looked at, and put right, again. */
export interface PaceLimits {
  looks: Allowance
  repairs: Allowance
  /** Bent again within that time of its repair, it counts as another time. */
  memoryMs: number
  /** So many times are borne; */
  patience: number
  /** then it is left for that long, and twice as long each further time, */
  firstMs: number
  /** up to that. */
  lastMs: number
}

/**
 * A person who tries something out, or a firewall that is restarted, bends it a few times: that is put right at once. What a
 * service does every second is a quarrel, which neither side wins: each repair of it costs both, and the minute at the end is what
 * an operator needs who has to read the log meanwhile.
 */
export const paceLimits: PaceLimits = {
  // A look costs a millisecond or a few: of what somebody touches all the time, it takes a hundredth of one processor.
  looks: { burst: 20, everyMs: 100 },
  repairs: { burst: 5, everyMs: 1000 },
  memoryMs: 10_000,
  patience: 3,
  firstMs: 500,
  lastMs: 60_000,
}

/** How one subject is to be treated, by what was done to it. Times are of any clock that does not go back, in milliseconds. */
export class Pace {
  readonly #limits: PaceLimits
  readonly #looks: Bucket
  readonly #repairs: Bucket
  #repaired = Number.NEGATIVE_INFINITY
  #times = 0
  #left = 0
  #until = 0
  #waited = false

  constructor(limits: PaceLimits = paceLimits) {
    this.#limits = limits
    this.#looks = new Bucket(limits.looks)
    this.#repairs = new Bucket(limits.repairs)
  }

  /** How often it was bent, each time soon after its repair. */
  get times(): number {
    return this.#times
  }

  /** How long it is not even looked at from now on; 0: at once. */
  wait(now: number): number {
    return Math.max(0, this.#until - now, this.#looks.wait(now), this.#repairs.wait(now))
  }

  looked(now: number): void {
    this.#looks.take(now)
  }

  /** It was found bent: 0 where it is to be put right, or for how long it is left alone first, because it was bent too often. */
  bent(now: number): number {
    const { memoryMs, patience, firstMs, lastMs } = this.#limits
    if (this.#waited) return 0
    // What was left alone for a minute is bent again when whoever bends it finds that out, which may take as long.
    if (now - this.#repaired > memoryMs + this.#left) {
      this.#times = 0
      this.#left = 0
    }
    this.#times++
    if (this.#times <= patience) return 0
    this.#left = Math.min(lastMs, firstMs * 2 ** (this.#times - patience - 1))
    this.#until = now + this.#left
    this.#waited = true
    return this.#left
  }

  /** It was found whole. */
  whole(): void {
    this.#waited = false
  }

  /** It was put right, or that was tried. */
  repaired(now: number): void {
    this.#repairs.take(now)
    this.#repaired = now
    this.#waited = false
  }

  /** It is as if it had never been bent. */
  isFresh(now: number): boolean {
    return !this.#waited && this.wait(now) === 0 && now - this.#repaired > this.#limits.memoryMs + this.#left
  }
}

class Bucket {
  readonly #allowance: Allowance
  #tokens: number
  #filled = 0

  constructor(allowance: Allowance) {
    this.#allowance = allowance
    this.#tokens = allowance.burst
  }

  /** Milliseconds until there is a token. */
  wait(now: number): number {
    this.#fill(now)
    return Math.max(0, (1 - this.#tokens) * this.#allowance.everyMs)
  }

  take(now: number): void {
    this.#fill(now)
    this.#tokens = Math.max(0, this.#tokens - 1)
  }

  #fill(now: number): void {
    const { burst, everyMs } = this.#allowance
    this.#tokens = Math.min(burst, this.#tokens + Math.max(0, now - this.#filled) / everyMs)
    this.#filled = now
  }
}
