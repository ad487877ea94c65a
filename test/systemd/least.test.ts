// What the unit leaves the daemon is what it needs: without any one of it, something does not go.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Box, noBox } from '../helpers/systemd-box.js'
import { config, installed, socket, someNetwork } from '../helpers/systemd-install.js'

const alone = 'egressd-alone.service'
const unit = readFileSync(new URL('../../packaging/systemd/egressd.service', import.meta.url), 'utf8')
const words = (setting: string) => new RegExp(`^${setting}=(.*)$`, 'm').exec(unit)?.[1]?.split(' ') ?? []

/** What does not go without it, by the steps of exercise.py; without anything else it does not even start. */
const late: Record<string, string> = { CAP_NET_BROADCAST: 'inside', CAP_SYS_PTRACE: 'busy', AF_INET6: 'ping' }

/** Whose refusal nobody is told of: that it is used, a trace shows. V8 protects its code by keys where it may. */
const quiet = ['@pkey', 'fsync', 'sysinfo', 'umask']

describe.skipIf(noBox)(`the least that goes${noBox ? `: ${noBox}` : ''}`, () => {
  let box: Box
  beforeAll(async () => {
    box = await installed()
    box.write(config, someNetwork)
    // By itself it does all that it does with its socket unit, and makes the socket.
    await box.sh(
      `sed '/egressd.socket/d; s/^StartLimit.*//' /etc/systemd/system/egressd.service >/run/systemd/system/${alone}`,
    )
    // What ends it is to end the test too, not to be tried ten times.
    await override('[Service]\nRestart=no\nTimeoutStartSec=60\n', 'once')
  }, 180_000)
  afterAll(() => box?.[Symbol.asyncDispose]())

  const override = async (text: string, name = 'least') => {
    box.write(`/run/systemd/system/${alone}.d/${name}.conf`, text)
    await box.sh('systemctl daemon-reload')
  }

  /** What does not go with these settings on top: `start`, or the first step of exercise.py and why; `all` where all goes. */
  async function first(settings: string): Promise<string> {
    await box.sh(`systemctl stop ${alone}; systemctl reset-failed; egressd down; nft flush ruleset`)
    await override(`[Service]\n${settings}\n`)
    if ((await box.run(['systemctl', 'start', alone])).code !== 0) return 'start'
    return (await box.sh(`python3 /mnt/egressd/test/helpers/exercise.py ${socket} ${alone}`)).trim()
  }

  test('with what the unit says, all goes', async () => expect(await first('')).toBe('all'), 180_000)

  test('with what the unit says, nothing is refused that it calls, and nothing is allowed that it does not', async () => {
    const traced = 'egressd-traced.service'
    // NB: the whole of it under strace, which wants more than the unit leaves: without its limits.
    await box.sh(`systemctl stop ${alone}; egressd down; nft flush ruleset
      sed 's#^ExecStart=#&strace -f -A -qq -e signal=none -o /tmp/trace #; s/^NotifyAccess=.*/NotifyAccess=all/
        /^KillMode/d; /^CapabilityB/d; /^SystemCall/d; /^NoNew/d; /^Restrict/d' /run/systemd/system/${alone} >/run/systemd/system/${traced}
      systemctl daemon-reload; systemctl start ${traced}`)
    const went = await box.sh(
      `python3 /mnt/egressd/test/helpers/exercise.py ${socket} ${traced}; systemctl stop ${traced}`,
    )
    expect(went.trim()).toBe('all')
    const filter = words('SystemCallFilter')
    const { refused, of } = JSON.parse(
      await box.sh(`python3 /mnt/egressd/test/helpers/syscalls.py /tmp/trace ${filter.join(' ')}`),
    )
    expect(refused).toEqual([])
    expect(filter.filter(word => of[word].length === 0)).toEqual([])
  }, 180_000)

  // NB: a list of what is denied (~) is taken off the list that the unit has.
  const settings = ['CapabilityBoundingSet', 'RestrictAddressFamilies', 'RestrictNamespaces', 'SystemCallFilter']
  const one = settings.flatMap(setting =>
    words(setting)
      .filter(word => !quiet.includes(word))
      .map(word => `${setting}=~${word}`),
  )
  test('there are such', () => expect(one.length).toBeGreaterThan(10))
  test.each(one)(
    'not with %s',
    async setting => {
      const [what] = (await first(setting)).split(' ')
      expect(what).toBe(late[setting.split('~')[1] as string] ?? 'start')
    },
    180_000,
  )
})
