import { Findings, type Judgement, some } from './check.js'
import { type Files, processesCalled } from './files.js'
import { globMatches, parseIni, type Section, valuesOf } from './ini.js'
import { type OurLink, ourLinks, ourPatterns } from './our-links.js'
import type { View } from './view.js'

export interface UnitFile {
  path: string
  sections: Section[]
}

export interface Networkd {
  running: boolean
  /** *.network, in the order in which networkd looks at them: the first that matches is the one. */
  files: UnitFile[]
  links: OurLink[]
}

// By rising priority; of two files with one name, only that of the later folder counts.
const folders = ['lib', 'usr/lib', 'usr/local/lib', 'run', 'etc'].map(root => `${root}/systemd/network`)

/** Files of systemd's network folder that are not masked. */
export function readUnitFiles(files: Files, suffix: string): UnitFile[] {
  const byName = new Map<string, string>()
  for (const folder of folders)
    for (const name of files.list(folder)) if (name.endsWith(suffix)) byName.set(name, `${folder}/${name}`)
  return [...byName]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, path]) => ({ path: `/${path}`, sections: parseIni(files.read(path) ?? '') }))
    .filter(({ sections }) => sections.length > 0)
}

export function readNetworkd(view: View): Networkd {
  return {
    running: processesCalled(view.files, 'systemd-networkd').length > 0,
    files: readUnitFiles(view.files, '.network'),
    links: ourLinks(view),
  }
}

// What udev and networkd see of each kind: networkctl shows it as TYPE and KIND.
const types = { bridge: 'bridge', veth: 'ether' } as const

/** Keys of [Match] that are about a link itself (systemd.network(5)); others, about the host, are taken as matching. */
const matchers: Record<string, (link: OurLink, words: string[]) => boolean> = {
  Name: ({ name }, words) => anyGlob(words, name),
  OriginalName: ({ name }, words) => anyGlob(words, name),
  Type: ({ kind }, words) => anyGlob(words, types[kind]),
  Kind: ({ kind }, words) => anyGlob(words, kind),
  Driver: ({ kind }, words) => anyGlob(words, kind),
  // Nothing made by egressd has any of these, and its MAC addresses are its own.
  MACAddress: () => false,
  PermanentMACAddress: () => false,
  Path: () => false,
  SSID: () => false,
  BSSID: () => false,
  WLANInterfaceType: () => false,
}

// A leading "!" turns all of them round.
function anyGlob(words: string[], text: string): boolean {
  const inverted = words[0]?.startsWith('!') ?? false
  const globs = inverted ? [words[0]?.slice(1) ?? '', ...words.slice(1)] : words
  return globs.some(glob => globMatches(glob, text)) !== inverted
}

export function unitMatches({ sections }: UnitFile, link: OurLink): boolean {
  // Without [Match], or with an empty one, it is for none.
  const keys = [
    ...new Set(sections.filter(({ name }) => name === 'Match').flatMap(({ entries }) => entries.map(({ key }) => key))),
  ]
  if (keys.length === 0) return false
  return keys.every(key => {
    const words = valuesOf(sections, 'Match', key).flatMap(value => value.split(/\s+/))
    const matches = matchers[key]
    return words.length === 0 || !matches || matches(link, words)
  })
}

const isTrue = (value: string | undefined) => /^(1|yes|true|on|y|t)$/i.test(value ?? '')

export function judgeNetworkd({ running, files, links }: Networkd): Judgement {
  const found = new Findings()
  found.saw(`systemd-networkd is ${running ? 'running' : 'not running'}; ${files.length} .network files`)
  const grabbed = new Map<string, string[]>()
  for (const link of links) {
    const first = files.find(file => unitMatches(file, link))
    if (!first || isTrue(valuesOf(first.sections, 'Link', 'Unmanaged').at(-1))) continue
    grabbed.set(first.path, [
      ...(grabbed.get(first.path) ?? []),
      link.example ? `${link.name} (an example)` : link.name,
    ])
  }
  if (grabbed.size === 0) return found.saw('none of them is for interfaces of egressd').judgement()
  for (const [path, names] of grabbed) {
    const evidence = `${path} matches ${some(names)}`
    if (running) found.warning(`${evidence}: networkd would configure it, and take away addresses that it did not give`)
    else found.note(`${evidence}: networkd would take it up where it were started`)
  }
  const fix = ['[Match]', `Name=${ourPatterns(links).join(' ')}`, '[Link]', 'Unmanaged=yes']
  const judged = found.judgement()
  return {
    ...judged,
    fix: ['/etc/systemd/network/05-egressd.network:', ...fix.map(line => `    ${line}`), 'networkctl reload'],
  }
}

export interface Udev {
  running: boolean
  /** *.link */
  files: UnitFile[]
  links: OurLink[]
}

export function readUdev(view: View): Udev {
  return {
    running: processesCalled(view.files, 'systemd-udevd').length > 0,
    files: readUnitFiles(view.files, '.link'),
    links: ourLinks(view),
  }
}

export function judgeUdev({ running, files, links }: Udev): Judgement {
  const found = new Findings().saw(
    `systemd-udevd is ${running ? 'running' : 'not running'}; ${files.length} .link files`,
  )
  for (const link of links) {
    const first = files.find(file => unitMatches(file, link))
    if (!first) continue
    const setting = (key: string) => valuesOf(first.sections, 'Link', key).at(-1)
    const [name, mtu, policy] = [setting('Name'), setting('MTUBytes'), setting('MACAddressPolicy')]
    const changes = [name && name !== link.name && `Name=${name}`, mtu && `MTUBytes=${mtu}`].filter(Boolean)
    if (changes.length > 0) {
      const evidence = `${first.path} matches ${link.name} and sets ${changes.join(' and ')}`
      const fix = `[Match] of ${first.path}: Name=!${ourPatterns(links).join(' ')}`
      if (running) found.warning(evidence, fix)
      else found.note(evidence, fix)
    }
    if (policy && policy !== 'none')
      found.saw(
        `${first.path}: MACAddressPolicy=${policy} does no harm to ${link.name}: its MAC is given when it is made, and udev leaves such alone`,
      )
  }
  return found.judgement()
}
