// The daemon under a real systemd, as it is installed: nothing that is done to it may cost a packet.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Box, noBox } from '../helpers/systemd-box.js'
import { config, installed, release, socket, someNetwork } from '../helpers/systemd-install.js'
import { startTraffic } from '../helpers/systemd-traffic.js'

describe.skipIf(noBox)(`a service of systemd${noBox ? `: ${noBox}` : ''}`, { timeout: 180_000 }, () => {
  let box: Box
  beforeAll(async () => {
    box = await installed()
    box.write(config, `${someNetwork}group: egressd\n`)
  }, 180_000)
  afterAll(() => box?.[Symbol.asyncDispose]())

  const show = async (property: string) =>
    (await box.sh(`systemctl show egressd.service --property=${property} --value`)).trim()
  const pid = () => show('MainPID')
  /** Another process than that is ready; told in one answer. */
  const another = (before: string) =>
    eventually('another process', async () => {
      const told = await box.sh('systemctl show egressd.service --property=ActiveState,MainPID')
      return told.includes('ActiveState=active') && !told.includes(`MainPID=${before}\n`)
    })
  /** NB: without what the kernel notices a moment later: whether there is a carrier. */
  const links = async () =>
    (await box.sh('ip -j link; ip netns exec ns0 ip -j -d link; nft -s list ruleset')).replace(
      /"operstate":"\w+"|"NO-CARRIER"|"LOWER_UP"|,/g,
      '',
    )

  async function eventually(what: string, is: () => Promise<boolean>): Promise<void> {
    const end = performance.now() + 60_000
    while (!(await is())) if (performance.now() > end) throw new Error(`never: ${what}\n${await journal()}`)
  }

  const journal = (rest = '') => box.sh(`journalctl --unit=egressd.service --output=cat ${rest}`)

  /** As user 1234 of those groups; the status of the answer. */
  async function ask(groups: string, method: string, path: string, body = ''): Promise<string> {
    const curl = `curl --silent --max-time 20 --output /dev/null --write-out '%{http_code}' --unix-socket ${socket}`
    const data = body && `--header 'content-type: application/json' --data '${body}'`
    const { stdout, stderr } = await box.run([
      'sh',
      '-c',
      `${groups} ${curl} ${data} -X ${method} http://egressd${path}`,
    ])
    return stdout + stderr
  }
  const root = ''
  const member = 'setpriv --reuid=1234 --regid=1234 --groups=egressd'
  const stranger = 'setpriv --reuid=1234 --regid=1234 --clear-groups'

  /** Does it while traffic runs, of which not one packet may be lost; and what was made stands as it stood. */
  async function withoutLoss(work: () => Promise<void>): Promise<void> {
    const before = await links()
    const traffic = await startTraffic(box, 'ns0')
    await work()
    const { ping, stream } = await traffic.end()
    expect(ping.received).toBe(ping.sent)
    expect(stream.echoed).toBe(stream.sent)
    expect(stream.retransmitted).toBe(0)
    await asItStood(before)
  }

  /** What is left of others in the firewall goes in a moment. */
  const asItStood = (before: string) => eventually('as it stood', async () => (await links()) === before)

  test('its units are right', async () => {
    expect(await box.run(['systemd-analyze', 'verify', '--man=no', 'egressd.service', 'egressd.socket'])).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
  })

  test('is as little exposed as the manual says', async () => {
    const { stdout } = await box.run(['systemd-analyze', 'security', '--no-pager', 'egressd.service'])
    const [, figure] = /Overall exposure level for egressd.service: (\S+)/.exec(stdout) ?? []
    expect(readFileSync('docs/operations.md', 'utf8')).toContain(`says **${figure}**`)
  })

  test('starts, is ready once all stands, and the host sees what it made', async () => {
    await box.sh('systemctl start egressd.service')
    expect(await show('ActiveState')).toBe('active')
    expect(await box.sh('ip netns list')).toMatch(/^ns0( |$)/m)
    expect(await box.sh('ip netns exec ns0 ping -c1 -w30 8.8.8.8')).toContain('1 received')
    expect(await box.sh('systemctl status egressd.service')).toContain('Status: "1 networks, 1 namespaces')
    // In a mount namespace of its own, what it pins would be seen by nobody.
    expect(await box.sh(`readlink /proc/${await pid()}/ns/mnt`)).toBe(await box.sh('readlink /proc/1/ns/mnt'))
  })

  test('members of the group may do all, others may not even connect', async () => {
    const before = await links()
    expect(await ask(member, 'PUT', '/v1/namespaces/by-member', '{"network":"br0"}')).toBe('201')
    expect(await ask(member, 'DELETE', '/v1/namespaces/by-member?wait=gone')).toBe('204')
    expect(await ask(stranger, 'GET', '/v1/namespaces')).toBe('000')
    expect(await ask(root, 'GET', '/v1/namespaces')).toBe('200')
    await asItStood(before)
  })

  test('takes another configuration on reload', async () => {
    const more = someNetwork
      .replace(']\n', ']\nlog: {level: debug}\n')
      .trimEnd()
      .replace(/\]$/, ', {name: ns1, network: br0}]')
    const before = await pid()
    await withoutLoss(async () => {
      box.write(config, `${more}\ngroup: egressd\n`)
      await box.sh('systemctl reload egressd.service')
      await eventually('ns1', async () => (await box.sh('ip netns list')).includes('ns1'))
      box.write(config, `${someNetwork}group: egressd\n`)
      await box.sh('systemctl reload egressd.service')
      await eventually('no ns1', async () => !(await box.sh('ip netns list')).includes('ns1'))
      await eventually(
        'no link of it',
        async () => (await box.sh('ip -j link show type veth')).split('ifname').length === 3,
      )
    })
    expect(await pid()).toBe(before)
  })

  test('refuses a configuration that is not right, and says where', async () => {
    const before = await pid()
    box.write(config, 'networks: [{name: br0, subnets: [192.168.0.0/33]}]\n')
    await withoutLoss(async () => {
      expect((await box.run(['systemctl', 'reload', 'egressd.service'])).code).toBe(1)
      // NB: what was printed gets there a moment later.
      await eventually('said where', async () => (await journal()).includes('networks[0].subnets[0]'))
      // Whoever sends the signal by hand is told in the journal.
      await box.sh('systemctl kill --signal=HUP --kill-who=main egressd.service')
      await eventually('told', async () => (await show('StatusText')).includes('not taken'))
    })
    await eventually('an error', async () => (await journal('--priority=err')).includes('the one before is kept'))
    expect([await pid(), await show('ActiveState')]).toEqual([before, 'active'])
    box.write(config, `${someNetwork}group: egressd\n`)
  })

  test('its lines have levels in the journal', async () => {
    const read = async () =>
      (await box.sh('journalctl --unit=egressd.service --output=json _COMM=node'))
        .trim()
        .split('\n')
        .map(line => JSON.parse(line) as { PRIORITY: string; MESSAGE: string })
        .filter(({ MESSAGE }) => MESSAGE.startsWith('{'))
        .map(({ PRIORITY, MESSAGE }) => ({ priority: PRIORITY, level: JSON.parse(MESSAGE).level as string }))
    const priorities: Record<string, string> = { debug: '7', info: '6', warn: '4', error: '3', fatal: '2' }
    let entries: Awaited<ReturnType<typeof read>> = []
    await eventually('lines of all levels that there were', async () => {
      entries = await read()
      return ['info', 'error', 'debug'].every(wanted => entries.some(({ level }) => level === wanted))
    })
    for (const { priority, level } of entries) expect(priority).toBe(priorities[level])
  })

  test('is restarted', async () => {
    const before = await pid()
    await withoutLoss(async () => void (await box.sh('systemctl restart egressd.service')))
    expect(await pid()).not.toBe(before)
  })

  test('is killed, and started again by systemd', async () => {
    const before = await pid()
    await withoutLoss(async () => {
      await box.sh('systemctl kill --signal=KILL --kill-who=main egressd.service')
      await another(before)
    })
    expect(await show('NRestarts')).toBe('1')
    expect(await ask(root, 'GET', '/v1/namespaces/ns0')).toBe('200')
  })

  test('is upgraded to another build', async () => {
    const builds = async () => box.sh(`grep -o 'egressd-[a-z]*/build' /proc/${await pid()}/maps | sort -u`)
    expect(await builds()).toBe('egressd-one/build\n')
    await withoutLoss(async () => {
      await box.sh(`${release('two')}
        sed -i 's/"version": "[^"]*"/"version": "99.0.0"/' /usr/lib/egressd-two/package.json
        systemctl restart egressd.service
        rm -r /usr/lib/egressd-one`)
    })
    expect(await builds()).toBe('egressd-two/build\n')
    expect(await box.sh('egressd --version')).toBe('99.0.0\n')
  })

  test('is stopped, and what it made goes on', async () => {
    await withoutLoss(async () => void (await box.sh('systemctl stop egressd.service')))
    expect(await show('Result')).toBe('success')
    expect(await box.sh('ls /run/egressd')).toContain('host.json')
  })

  test('is started by who connects', async () => {
    expect(await show('ActiveState')).toBe('inactive')
    await withoutLoss(async () => expect(await ask(member, 'GET', '/v1/namespaces/ns0')).toBe('200'))
    expect(await show('ActiveState')).toBe('active')
  })

  test('no connection is refused while it is restarted', async () => {
    const asking = Array.from({ length: 4 }, () =>
      box.spawn(['python3', '/mnt/egressd/test/helpers/refusals.py', socket, '/healthz']),
    )
    const lines = asking.map(child =>
      createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator](),
    )
    for (const line of lines) expect((await line.next()).value).toBe('begun')
    for (let i = 0; i < 3; i++) await box.sh('systemctl restart egressd.service')
    for (const child of asking) child.stdin?.end()
    for (const line of lines) {
      const { answered, wrong } = JSON.parse((await line.next()).value as string)
      expect(wrong).toEqual([])
      expect(answered).toBeGreaterThan(0)
    }
  })

  test('is started again where it has frozen', async () => {
    await box.sh(`mkdir -p /run/systemd/system/egressd.service.d
      printf '[Service]\\nWatchdogSec=10\\n' >/run/systemd/system/egressd.service.d/watchdog.conf
      systemctl daemon-reload && systemctl restart egressd.service`)
    const [before, restarts] = [await pid(), Number(await show('NRestarts'))]
    // It is fed for longer than it would live without.
    await box.sh('sleep 12')
    expect(await pid()).toBe(before)
    await withoutLoss(async () => {
      await box.sh('systemctl kill --signal=STOP --kill-who=main egressd.service')
      await another(before)
    })
    await eventually('told', async () => (await journal()).includes('Watchdog timeout'))
    expect(Number(await show('NRestarts'))).toBe(restarts + 1)
  })

  test('lets others read where the configuration says so', async () => {
    box.write(config, `${someNetwork}group: egressd\nread: all\n`)
    await box.sh(`mkdir -p /run/systemd/system/egressd.socket.d
      printf '[Socket]\\nSocketMode=0666\\n' >/run/systemd/system/egressd.socket.d/read.conf
      systemctl daemon-reload; systemctl stop egressd.service egressd.socket; systemctl start egressd.service`)
    expect(await ask(stranger, 'GET', '/v1/namespaces')).toBe('200')
    expect(await ask(stranger, 'DELETE', '/v1/namespaces/ns0')).toBe('403')
    expect(await ask(member, 'PUT', '/v1/namespaces/ns0', '{"network":"br0"}')).toBe('200')
  })

  test('without its socket unit it makes the socket itself', async () => {
    await box.sh(`systemctl stop egressd.service egressd.socket
      sed '/egressd.socket/d' /etc/systemd/system/egressd.service >/run/systemd/system/egressd-alone.service
      systemctl daemon-reload; systemctl start egressd-alone.service`)
    expect(await box.sh(`stat --format='%A %U %G' ${socket}`)).toBe('srw-rw-rw- root egressd\n')
    expect(await ask(member, 'PUT', '/v1/namespaces/ns0', '{"network":"br0"}')).toBe('200')
    await box.sh('systemctl stop egressd-alone.service')
  })

  test('egressd down removes what it made', async () => {
    await box.sh('egressd down')
    expect(await box.sh('ip netns list; ip -j link show type bridge; nft list tables')).toBe('internet (id: 0)\n[]\n')
  })
})
