/** What one of our tables does, by its family. */
const purpose: Record<string, string> = {
  inet: 'neither masquerades nor holds back what namespaces send',
  bridge: 'does not hold namespaces to their own addresses on their bridge',
}

/**
 * Steps of the firewall, for people: a table that is not there is told once, with what that means, in place of all that it is made of;
 * what is done several times over, with how often.
 */
export function fold(does: readonly string[]): string[] {
  const gone = does.flatMap(line => /^add table (\S+ \S+)$/.exec(line)?.[1] ?? [])
  const lines = gone.map(table => {
    const steps = does.filter(line => isOf(line, table)).length
    const means = purpose[table.split(' ')[0] as string]
    return `table ${table} is not there${means ? `, and so ${means}` : ''}: made anew in ${steps} steps`
  })
  const times = new Map<string, number>()
  for (const line of does) if (!gone.some(table => isOf(line, table))) times.set(line, (times.get(line) ?? 0) + 1)
  return [...lines, ...[...times].map(([line, count]) => (count > 1 ? `${line}, ${count} times` : line))]
}

const isOf = (line: string, table: string): boolean => line.startsWith('add ') && `${line} `.includes(` ${table} `)
