// What the daemon tells, and asks, those who are about it.

/** Who started it, such as systemd. */
export interface Manager {
  /** It serves. `status`: what it does, in a line for people. */
  ready(status: string): void
  reloading(status: string): void
  stopping(status: string): void
  status(text: string): void
  /** `alive` resolves where the engine answers: it is asked as often as the manager wants to be told. */
  watchdog(alive: () => Promise<void>): void
  /** Idempotent. */
  stop(): void
}

/** A request that was answered, or whose client went. */
export interface RequestSeen {
  method: string
  /** As `/v1/networks/{name}`; null where there is none such. */
  route: string | null
  status: number
  milliseconds: number
}

/** Counts, for /metrics. */
export interface Metrics {
  readonly contentType: string
  render(): Promise<string>
  request(seen: RequestSeen): void
  /** The configuration was read again, and taken or not. */
  reloaded(ok: boolean): void
  /** Idempotent. */
  stop(): void
}
