import { Findings, type Judgement, some } from './check.js'
import { type Files, processesCalled } from './files.js'
import { globMatches, parseIni, type Section, valuesOf } from './ini.js'
import { type OurLink, ourLinks } from './our-links.js'
import type { View } from './view.js'

export interface NetworkManager {
  running: boolean
  /** Its configuration, later files over earlier ones. */
  sections: Section[]
  /** udev's rule, part of NetworkManager, that leaves veths alone. */
  veth: boolean
  links: OurLink[]
}

export function readNetworkManager(view: View): NetworkManager {
  const { files } = view
  const folders = ['usr/lib/NetworkManager/conf.d', 'run/NetworkManager/conf.d']
  const paths = [
    ...folders.flatMap(folder => confFiles(files, folder)),
    'etc/NetworkManager/NetworkManager.conf',
    ...confFiles(files, 'etc/NetworkManager/conf.d'),
  ]
  const rules = ['usr/lib', 'lib', 'etc'].map(root => files.read(`${root}/udev/rules.d/85-nm-unmanaged.rules`) ?? '')
  return {
    running: processesCalled(files, 'NetworkManager').length > 0,
    sections: paths.flatMap(path => parseIni(files.read(path) ?? '')),
    veth: rules.some(text => /^\s*[^#].*veth.*NM_UNMANAGED/m.test(text)),
    links: ourLinks(view),
  }
}

const confFiles = (files: Files, folder: string) =>
  files
    .list(folder)
    .filter(name => name.endsWith('.conf'))
    .map(name => `${folder}/${name}`)

const types = { bridge: 'bridge', veth: 'veth' } as const

/** A device list of NetworkManager.conf(5). */
export function deviceMatches(list: string, link: OurLink): boolean {
  const terms = list
    .split(/[;,]/)
    .map(term => term.trim())
    .filter(Boolean)
  const matches = (term: string): boolean => {
    if (term === '*') return true
    const [, key, value = ''] = /^([a-z-]+):(.*)$/.exec(term) ?? []
    if (key === 'interface-name')
      return value.startsWith('=') ? value.slice(1) === link.name : globMatches(value.replace(/^~/, ''), link.name)
    if (key === 'type') return value === types[link.kind] || (value === 'ethernet' && link.kind === 'veth')
    if (key === 'driver') return globMatches(value.split('/')[0] ?? '', link.kind)
    return false
  }
  const excepted = terms.some(term => term.startsWith('except:') && matches(term.slice('except:'.length)))
  const others = terms.filter(term => !term.startsWith('except:'))
  // A list of exceptions alone is for all the others.
  return !excepted && (others.length === 0 ? terms.length > 0 : others.some(matches))
}

function unmanaged(sections: readonly Section[], link: OurLink): boolean {
  // `+=` adds to what earlier files say.
  const lists = [
    ...valuesOf(sections, 'keyfile', 'unmanaged-devices').slice(-1),
    ...valuesOf(sections, 'keyfile', 'unmanaged-devices+'),
  ]
  if (lists.length > 0 && deviceMatches(lists.join(';'), link)) return true
  return sections.some(
    section =>
      section.name.startsWith('device') &&
      /^(0|false|no)$/i.test(valuesOf([section], section.name, 'managed').at(-1) ?? '') &&
      deviceMatches(valuesOf([section], section.name, 'match-device').at(-1) ?? '*', link),
  )
}

export function judgeNetworkManager({ running, sections, veth, links }: NetworkManager): Judgement {
  const found = new Findings().saw(`NetworkManager is ${running ? 'running' : 'not running'}`)
  if (!running) return found.judgement()
  const open = links.filter(link => !unmanaged(sections, link))
  if (open.length === 0) return found.saw('it leaves interfaces of egressd alone (unmanaged-devices)').judgement()
  // It knows no ranges in names, and has no business with any veth.
  const bridges = links.filter(({ kind }) => kind === 'bridge')
  const patterns = [...bridges.map(({ name }) => `interface-name:${name}`), 'type:veth']
  const fix = [
    '/etc/NetworkManager/conf.d/egressd.conf:',
    '    [keyfile]',
    `    unmanaged-devices+=${patterns.join(';')}`,
    'nmcli general reload',
  ]
  const names = some(open.map(({ name, example }) => (example ? `${name} (an example)` : name)))
  if (veth && open.every(({ kind, example }) => kind === 'veth' || example))
    found.note(`unmanaged-devices says nothing of ${names}; 85-nm-unmanaged.rules leaves veths alone`, ...fix)
  else found.warning(`unmanaged-devices says nothing of ${names}: it may take them up`, ...fix)
  return found.judgement()
}
