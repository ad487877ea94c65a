import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { noBox, startBox } from '../helpers/systemd-box.js'

const units = () => readdirSync('/etc/systemd/system').sort()
const sysctls = () => ['kernel/pid_max', 'fs/file-max'].map(name => readFileSync(`/proc/sys/${name}`, 'utf8'))
/** What would change the machine itself, by its bit in <linux/capability.h>. */
const kept = { CAP_SYS_MODULE: 16n, CAP_SYS_RAWIO: 17n, CAP_SYS_BOOT: 22n, CAP_SYS_TIME: 25n, CAP_SYSLOG: 34n }

test.skipIf(noBox)(
  `a box has nothing of the machine but its files, and leaves nothing${noBox ? `: ${noBox}` : ''}`,
  async () => {
    const before = { units: units(), sysctls: sysctls() }
    const box = await startBox([])
    expect(await box.sh('cat /proc/1/comm')).toBe('systemd\n')
    expect(await box.sh('systemctl --failed --no-legend')).toBe('')
    // No way out: no link but lo, no route, no name that others could see.
    expect(JSON.parse(await box.sh('ip -j link')).map(({ ifname }: { ifname: string }) => ifname)).toEqual(['lo'])
    expect(await box.sh('ip route; ip -6 route show table main')).toBe('')
    // Not the machine's settings, devices, processes or cgroups.
    const refused = async (line: string) => expect((await box.run(['sh', '-c', line])).code, line).not.toBe(0)
    await refused('echo 4242 > /proc/sys/kernel/pid_max')
    await refused('echo add > /sys/class/net/lo/uevent')
    const bounding = BigInt(`0x${/^CapBnd:\s*(\w+)/m.exec(await box.sh('cat /proc/1/status'))?.[1]}`)
    for (const [name, bit] of Object.entries(kept)) expect((bounding >> bit) & 1n, name).toBe(0n)
    expect(await box.sh('echo 1 > /proc/sys/net/ipv4/ip_forward; cat /proc/sys/net/ipv4/ip_forward')).toBe('1\n')
    // Some may end while they are read.
    const commands = (await box.run(['sh', '-c', 'cat /proc/[0-9]*/comm'])).stdout.split('\n')
    expect(commands).toContain('systemd')
    expect(commands).not.toContain('vitest')
    expect(await box.sh('grep ^0: /proc/1/cgroup')).toBe('0::/init.scope\n')
    box.write('/etc/systemd/system/x.service', '[Service]\nExecStart=true\nType=oneshot\nRemainAfterExit=yes\n')
    await box.sh('systemctl daemon-reload && systemctl start x.service')
    expect(await box.sh('systemctl is-active x.service')).toBe('active\n')
    expect(await box.run(['sh', '-c', 'exit 7'])).toEqual({ code: 7, stdout: '', stderr: '' })

    const going = box.spawn(['sleep', '1000'])
    const over = new Promise(done => going.once('exit', (_, signal) => done(signal)))
    await box[Symbol.asyncDispose]()
    await over
    expect({ units: units(), sysctls: sysctls() }).toEqual(before)
  },
  180_000,
)
