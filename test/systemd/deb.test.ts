// The .deb in a Debian with systemd: installed, upgraded, removed and purged by dpkg, with a network that has traffic. Of what was
// built here, or with EGRESSD_RELEASE=1 of what was prebuilt.
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { layUplink } from '../helpers/cli.js'
import { type Box, noBox, startBox } from '../helpers/systemd-box.js'
import { config, someNetwork } from '../helpers/systemd-install.js'
import { startTraffic } from '../helpers/systemd-traffic.js'

const root = join(import.meta.dirname, '../..')
const addon = process.env.EGRESSD_RELEASE === '1' ? [] : ['--addon', 'build/Release']

describe.skipIf(noBox)(`the Debian package${noBox ? `: ${noBox}` : ''}`, { timeout: 300_000 }, () => {
  let box: Box
  const debs = mkdtempSync(join(tmpdir(), 'egressd-deb-'))
  const versions = ['0.9.0', '0.9.1'] as const
  const [old, recent] = versions.map(
    version => `/mnt/debs/egressd_${version}_${process.arch === 'x64' ? 'amd64' : 'arm64'}.deb`,
  ) as [string, string]

  beforeAll(async () => {
    // Some thousand small files, for a moment.
    const env = { ...process.env, TMPDIR: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() }
    const make = (version: string) =>
      promisify(execFile)(join(root, 'scripts/deb'), ['--version', version, '--out', debs, ...addon, '--quick'], {
        env,
      })
    await Promise.all(versions.map(make))
    const binds = [`${root}:/mnt/egressd:ro`, `${debs}:/mnt/debs:ro`, `${process.execPath}:/usr/bin/node:ro`]
    box = await startBox(binds)
    await box.sh(layUplink)
    await box.sh('ip netns exec internet ping -c1 -w30 203.0.113.2 >/dev/null')
    // Images of Debian may lack manual pages by a rule of dpkg; this looks at them. And Node need not be of a package.
    await box.sh('rm -f /etc/dpkg/dpkg.cfg.d/* /usr/sbin/policy-rc.d')
    // The index of all manual pages is made anew for each change of one: much work, and none of ours.
    await box.sh(
      '[ ! -e /var/lib/dpkg/info/man-db.postinst ] || echo "#!/bin/true" >/var/lib/dpkg/info/man-db.postinst',
    )
    await box.sh('rm -rf /etc/egressd /etc/netns/* /usr/lib/egressd /usr/bin/egressd')
    clean = await standing()
  }, 300_000)
  afterAll(async () => {
    await box?.[Symbol.asyncDispose]()
    rmSync(debs, { recursive: true, force: true })
  })

  let clean: string
  const dpkg = (line: string) => box.sh(`DEBIAN_FRONTEND=noninteractive dpkg --force-depends ${line} 2>&1`)
  const show = async (property: string) =>
    (await box.sh(`systemctl show egressd.service --property=${property} --value`)).trim()
  const inode = async () => (await box.sh('stat -Lc %i /run/netns/ns0')).trim()
  const reaches = () => box.sh('ip netns exec ns0 ping -c1 -W20 8.8.8.8 >/dev/null')
  const makeNetwork = async () => {
    box.write(config, `${someNetwork}group: egressd\n`)
    await box.sh('systemctl reload egressd.service')
    await eventuallyReaches()
  }
  /** A reload is over when the signal is sent; the namespace comes in a moment. */
  const eventuallyReaches = () =>
    box.sh('timeout 60 sh -c "until ip netns exec ns0 ping -c1 -W1 8.8.8.8; do sleep 0.05; done" >/dev/null 2>&1')

  /** All that is there, but for what the system and dpkg write of themselves. Forwarding stays on: `egressd down` says so. */
  const standing = () =>
    box.sh(`
      find /etc /usr /lib/systemd /var /run -xdev ! -path '/var/log/*' ! -path '/run/log/*' ! -path '/run/systemd/*' ! -path '/run/udev/*' \\
        ! -path '/var/lib/dpkg/*' ! -path '/var/cache/*' ! -path '/var/lib/systemd/*' ! -path '/var/tmp/*' ! -path '/run/credentials/*' \\
        ! -path '/run/user*' ! -name '*-' ! -name '.pwd.lock' ! -path '/var/lib/systemd' ! -path /run/ping.pid | sort
      cut -d: -f1 /etc/group
      ip -j link | grep -o '"ifname":"[^"]*"'
      ip route
      ip rule
      nft list ruleset`)

  test('is installed: a service that runs, a command, its pages, and a configuration that is the administrator’s', async () => {
    await dpkg(`-i ${old}`)
    expect(await box.sh('systemctl is-active egressd.service egressd.socket')).toBe('active\nactive\n')
    expect(await box.sh('systemctl is-enabled egressd.service egressd.socket')).toBe('enabled\nenabled\n')
    expect(await box.sh('egressd --version')).toBe('0.9.0\n')
    expect(await box.sh("stat -c '%U:%G %a' /run/egressd/egressd.sock")).toBe('root:egressd 660\n')
    expect(await box.sh('egressd network list --json')).toContain('[]')
    expect(await box.sh(`dpkg-query -W -f '\${Conffiles}' egressd`)).toContain(config)
    expect(await box.sh("zcat /usr/share/man/man1/egressd.1.gz | grep -c '^.TH EGRESSD 1'")).toBe('1\n')
    expect(await box.sh('. /usr/share/bash-completion/completions/egressd && complete -p egressd')).toContain('egressd')
    expect(await box.sh('dpkg --verify egressd')).toBe('')
    expect(await show('NRestarts')).toBe('0')
  })

  test('is upgraded with a ping and a stream under way: another program, the same namespaces, nothing lost', async () => {
    await makeNetwork()
    const [pid, before] = [await show('MainPID'), await inode()]
    const traffic = await startTraffic(box, 'ns0')
    await dpkg(`-i ${recent}`)
    const { ping, stream } = await traffic.end()
    expect(ping.received).toBe(ping.sent)
    expect(stream).toMatchObject({ echoed: stream.sent, retransmitted: 0 })
    expect(await box.sh('egressd --version')).toBe('0.9.1\n')
    expect(await box.sh('systemctl is-active egressd.service')).toBe('active\n')
    expect(await show('MainPID')).not.toBe(pid)
    expect(await inode()).toBe(before)
    expect(box.read(config)).toContain('ns0')
  })

  test('what the administrator has stopped and disabled, an upgrade leaves so', async () => {
    await box.sh('systemctl disable --now --quiet egressd.service egressd.socket')
    await dpkg(`-i ${old}`)
    expect(await box.sh('systemctl is-enabled egressd.service || systemctl is-active egressd.service || true')).toBe(
      'disabled\ninactive\n',
    )
    await reaches()
    await box.sh('systemctl enable --now --quiet egressd.service egressd.socket')
  })

  test('removed, it says what stands and leaves it; installed again, it takes it up', async () => {
    const before = await inode()
    const said = await dpkg('--remove egressd')
    expect(said).toContain('network br0')
    expect(said).toContain('apt-get purge egressd')
    expect(await box.sh('systemctl is-active egressd.service egressd.socket || true')).toBe('inactive\ninactive\n')
    expect(await box.sh('ls /usr/lib/egressd /usr/bin/egressd 2>&1 || true')).not.toContain('dist')
    await reaches()
    await dpkg(`-i ${recent}`)
    expect(await box.sh('systemctl is-active egressd.service')).toBe('active\n')
    expect(await inode()).toBe(before)
    expect(await box.sh('egressd ns list --json')).toContain('ns0')
    expect(await box.sh('ls /var/lib/egressd 2>&1 || true')).toContain('No such file')
  })

  test('removed and then purged, nothing is left', async () => {
    await dpkg('--remove egressd')
    expect(await dpkg('--purge egressd')).toMatch(/forwarding/i)
    expect(await standing()).toBe(clean)
  })

  test('purged in one step, with namespaces that have egress, nothing is left', async () => {
    await dpkg(`-i ${recent}`)
    await makeNetwork()
    await dpkg('--purge egressd')
    expect(await standing()).toBe(clean)
    expect(await box.sh('systemctl --failed --no-legend')).toBe('')
  })

  test('a purge that cannot remove them says so, keeps the records, and can be had again', async () => {
    await dpkg(`-i ${recent}`)
    await makeNetwork()
    await dpkg('--remove egressd')
    await box.sh('mv /var/lib/egressd/removed /var/lib/egressd/elsewhere')
    await expect(dpkg('--purge egressd')).rejects.toThrow('could not be removed')
    await reaches()
    expect(await box.sh('ls /run/egressd/networks')).toBe('br0.json\n')
    await box.sh('mv /var/lib/egressd/elsewhere /var/lib/egressd/removed')
    await dpkg('--purge egressd')
    expect(await standing()).toBe(clean)
  })
})
