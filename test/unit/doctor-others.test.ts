// Settings of others, read from a tree of files and judged against names of ours.
import { describe, expect, test } from 'vitest'
import { globMatches, parseIni, valuesOf } from '../../src/doctor/ini.js'
import { deviceMatches, judgeNetworkManager } from '../../src/doctor/network-manager.js'
import { judgeNetworkd, judgeUdev, unitMatches } from '../../src/doctor/networkd.js'
import type { OurLink } from '../../src/doctor/our-links.js'

const bridge: OurLink = { name: 'br0', kind: 'bridge', example: false }
const veth: OurLink = { name: 've00c0a80002ff', kind: 'veth', example: true }
const unit = (text: string, path = '/etc/systemd/network/10-x.network') => ({ path, sections: parseIni(text) })

test('ini files', () => {
  const sections = parseIni('key=outside\n[A]\n# no\n;no\nx = 1\nx=2 \\\n 3\n[B]\nx=\n[A]\ny=4\nx=\nx=5\n')
  expect(sections.map(({ name }) => name)).toEqual(['A', 'B', 'A'])
  expect(valuesOf(sections.slice(0, 1), 'A', 'x')).toEqual(['1', '2   3'])
  expect(valuesOf(sections, 'A', 'x')).toEqual(['5'])
  expect(valuesOf(sections, 'A', 'z')).toEqual([])
})

test.each([
  ['ve*', 'vec0a80002', true],
  ['ve-*', 'vec0a80002', false],
  ['ve[0-9a-f][0-9a-f]*', 'vec0a80002', true],
  ['ve[!c]*', 'vec0a80002', false],
  ['br?', 'br0', true],
  ['b.0', 'br0', false],
  ['br[z-a]', 'br0', false],
])('glob %s and %s: %s', (glob, text, matches) => expect(globMatches(glob, text)).toBe(matches))

describe('[Match] of systemd', () => {
  test.each([
    ['Name=*', true, true],
    ['Name=en* br*', true, false],
    ['Name=!en* br*', false, true],
    ['Type=ether', false, true],
    ['Type=ether bridge', true, true],
    ['Kind=veth', false, true],
    ['Driver=bridge', true, false],
    ['Name=*\nType=wlan', false, false],
    ['Name=*\nMACAddress=00:11:22:33:44:55', false, false],
    ['Name=br*\nVirtualization=vm', true, false],
    ['Name=en*\nName=br0', true, false],
    ['', false, false],
  ])('%s', (match, ofBridge, ofVeth) => {
    const file = unit(`[Match]\n${match}\n[Network]\nDHCP=yes\n`)
    expect([unitMatches(file, bridge), unitMatches(file, veth)]).toEqual([ofBridge, ofVeth])
  })
})

describe('networkd', () => {
  const all = unit('[Match]\nName=*\n[Network]\nDHCP=yes\n', '/etc/systemd/network/50-all.network')
  const leave = unit('[Match]\nName=br* ve*\n[Link]\nUnmanaged=yes\n', '/etc/systemd/network/05-ours.network')
  const links = [bridge, veth]
  test.each([
    ['nothing for us', { running: true, files: [], links }, 'ok', /none of them/],
    [
      'all of them',
      { running: true, files: [all], links },
      'warning',
      /50-all\.network matches br0, ve00c0a80002ff \(an example\)/,
    ],
    ['not running', { running: false, files: [all], links }, 'note', /where it were started/],
    ['left alone first', { running: true, files: [leave, all], links }, 'ok', /none of them/],
    ['left alone too late', { running: true, files: [all, leave], links }, 'warning', /50-all/],
  ])('%s', (_what, facts, status, evidence) => {
    const judged = judgeNetworkd(facts)
    expect(judged.status).toBe(status)
    expect(judged.evidence.join('\n')).toMatch(evidence)
    expect(judged.fix.length > 0).toBe(status !== 'ok')
  })

  test('its own fix makes it leave ours alone', () => {
    const { fix } = judgeNetworkd({ running: true, files: [all], links })
    const file = unit(fix.slice(1, -1).join('\n'))
    expect(judgeNetworkd({ running: true, files: [file, all], links })).toMatchObject({ status: 'ok' })
    expect(unitMatches(file, { ...veth, name: 'veth1234' })).toBe(false)
  })
})

test.each([
  ['keeps the name', '[Link]\nNamePolicy=keep kernel\nMACAddressPolicy=persistent', 'ok', /does no harm to br0/],
  ['renames', '[Link]\nName=lan0', 'warning', /sets Name=lan0/],
  ['changes the MTU', '[Link]\nMTUBytes=9000', 'warning', /sets MTUBytes=9000/],
])('udev: a .link file that %s', (_what, text, status, evidence) => {
  const judged = judgeUdev({ running: true, files: [unit(`[Match]\nOriginalName=*\n${text}`)], links: [bridge, veth] })
  expect(judged.status).toBe(status)
  expect(judged.evidence.join('\n')).toMatch(evidence)
})

describe('NetworkManager', () => {
  test.each([
    ['interface-name:ve*', false, true],
    ['interface-name:=br0', true, false],
    ['type:bridge;type:veth', true, true],
    ['type:ethernet', false, true],
    ['driver:veth', false, true],
    ['*', true, true],
    ['*,except:interface-name:br*', false, true],
    ['except:type:wifi', true, true],
    ['mac:00:11:22:33:44:55', false, false],
    ['', false, false],
  ])('%s', (list, ofBridge, ofVeth) =>
    expect([deviceMatches(list, bridge), deviceMatches(list, veth)]).toEqual([ofBridge, ofVeth]),
  )

  test('its own fix makes it leave ours alone', () => {
    const text = '[keyfile]\nunmanaged-devices=mac:00:11:22:33:44:55\n'
    const { fix } = judge(text)
    expect(judge(text + fix.slice(1, -1).join('\n')).status).toBe('ok')
  })

  const judge = (text: string, more = {}) =>
    judgeNetworkManager({ running: true, sections: parseIni(text), veth: false, links: [bridge, veth], ...more })
  test.each([
    ['says nothing', judge(''), 'warning'],
    ['is not running', judge('', { running: false }), 'ok'],
    ['leaves them alone', judge('[keyfile]\nunmanaged-devices=interface-name:br0;interface-name:ve*'), 'ok'],
    ['leaves them alone in another way', judge('[device-a]\nmatch-device=type:veth,type:bridge\nmanaged=0'), 'ok'],
    ['leaves one alone', judge('[keyfile]\nunmanaged-devices=type:veth'), 'warning'],
    ['leaves veths alone by its rules of udev', judge('', { veth: true, links: [veth] }), 'note'],
  ])('%s', (_what, judged, status) => expect(judged.status).toBe(status))
})
