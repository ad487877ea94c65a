/** The one of `there` that `typed` is a slip of; undefined where none is near. The first of equals. */
export function nearest(typed: string, there: readonly string[]): string | undefined {
  let best: { name: string; steps: number } | undefined
  for (const name of there) {
    const most = Math.floor(Math.max(typed.length, name.length) * 0.5)
    if (Math.abs(name.length - typed.length) > most) continue
    const steps = distance(typed.toLowerCase(), name.toLowerCase())
    if (steps <= most && (!best || steps < best.steps)) best = { name, steps }
  }
  return best?.name
}

/** How many letters to put in, leave out, change, or swap with the next (restricted Damerau-Levenshtein). */
export function distance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      let least = Math.min((last[j] as number) + 1, (row[j - 1] as number) + 1, (last[j - 1] as number) + change)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) least = Math.min(least, (before[j - 2] as number) + 1)
      row.push(least)
    }
    ;[before, last] = [last, row]
  }
  return last[b.length] as number
}
