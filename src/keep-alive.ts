/** Who waits for `work` is not ended for want of anything else to do: what it comes by may keep no process alive. */
export async function keepAlive<T>(work: Promise<T>): Promise<T> {
  const nothing = setInterval(() => {}, 2 ** 31 - 1)
  try {
    return await work
  } finally {
    clearInterval(nothing)
  }
}
