/**
 * Calls a caller's function. What it throws is an uncaught exception, as of any listener: it neither ends the work that it is told
 * of, nor is it taken for a failure of that.
 */
export function tell<A extends unknown[]>(listener: ((...args: A) => void) | undefined, ...args: A): void {
  try {
    listener?.(...args)
  } catch (error) {
    setImmediate(() => {
      throw error
    })
  }
}
