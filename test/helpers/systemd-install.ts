// egressd, installed in a box as a package would do it: this build, its units, its group, and an internet to reach.
import { join } from 'node:path'
import { layUplink } from './cli.js'
import { type Box, startBox } from './systemd-box.js'

const root = join(import.meta.dirname, '../..')
export const config = '/etc/egressd/egressd.yaml'
export const socket = '/run/egressd/egressd.sock'

/** One network, with a namespace that is called as its users would. */
export const someNetwork =
  'networks: [{name: br0, subnets: [192.168.0.0/16]}]\nnamespaces: [{name: ns0, network: br0}]\n'

export async function installed(): Promise<Box> {
  const box = await startBox([`${root}:/mnt/egressd:ro`, `${process.execPath}:/usr/local/bin/node:ro`])
  await box.sh(`
    ${release('one')}
    ln -s /usr/lib/egressd/dist/cli/main.js /usr/bin/egressd
    install -D -m 644 -t /etc/systemd/system /mnt/egressd/packaging/systemd/*
    install -D -m 644 -t /usr/lib/sysusers.d /mnt/egressd/packaging/sysusers.d/egressd.conf
    install -D -m 644 /mnt/egressd/packaging/etc/egressd.yaml ${config}
    systemd-sysusers
    systemctl daemon-reload
    ${layUplink}
    ip netns exec internet ping -c1 -w30 203.0.113.2 >/dev/null`)
  return box
}

/** Another copy of this build, which is what is run from now on. */
export const release = (name: string): string => `
  mkdir -p /usr/lib/egressd-${name}/build/Release
  cp -r /mnt/egressd/dist /mnt/egressd/package.json /usr/lib/egressd-${name}
  cp /mnt/egressd/build/Release/egressd.node /mnt/egressd/build/Release/egressd-exec /usr/lib/egressd-${name}/build/Release
  ln -s /mnt/egressd/node_modules /usr/lib/egressd-${name}/node_modules
  chmod +x /usr/lib/egressd-${name}/dist/cli/main.js
  ln -sfn /usr/lib/egressd-${name} /usr/lib/egressd`
