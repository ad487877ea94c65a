import type { Aspect } from './compare.js'
import type { Own } from './own.js'

interface FileForm {
  aspect: Aspect
  lines(text: string, own: Own): string[]
}

const rows = (text: string) => text.split('\n').filter(row => row.trim() !== '')
const cells = (row: string) => row.trim().split(/\s+/)
const whole = (text: string, own: Own) =>
  rows(text).map(row =>
    cells(row)
      .map(cell => own.hex(cell))
      .join(' '),
  )

// `2 eth0 : 1 V3`, and indented below it `010000E0 1 0:00000000 0`: group, users, timer, reporter. Its timer runs or not.
function igmpLines(text: string): string[] {
  let device = ''
  return rows(text).flatMap(row => {
    const [first = '', second = ''] = cells(row)
    if (/^\s/.test(row)) return [`${device} ${first} ${second}`]
    device = second
    return []
  })
}

// `2 eth0 ff02… 1 00000004 0`: index, device, group, users, flags, timer.
const igmp6Lines = (text: string, own: Own) =>
  rows(text).map(row => {
    const [, device, group = '', users] = cells(row)
    return `${device} ${own.hex(group)} ${users}`
  })

/** Files below /proc/net that say what no dump does. */
export const files: Readonly<Record<string, FileForm>> = {
  igmp: { aspect: 'multicast', lines: igmpLines },
  igmp6: { aspect: 'multicast', lines: igmp6Lines },
  dev_mcast: { aspect: 'multicast', lines: whole },
  mcfilter: { aspect: 'multicast', lines: whole },
  mcfilter6: { aspect: 'multicast', lines: whole },
  anycast6: { aspect: 'multicast', lines: whole },
  ip6_flowlabel: { aspect: 'route', lines: whole },
  ip_mr_vif: { aspect: 'multicast', lines: whole },
  ip_mr_cache: { aspect: 'multicast', lines: whole },
  ip6_mr_vif: { aspect: 'multicast', lines: whole },
  ip6_mr_cache: { aspect: 'multicast', lines: whole },
  ip_tables_names: { aspect: 'xtables', lines: whole },
  ip6_tables_names: { aspect: 'xtables', lines: whole },
  arp_tables_names: { aspect: 'xtables', lines: whole },
}
