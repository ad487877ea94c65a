// `egressd gc` as its users run it.
import { expect, test } from 'vitest'
import { freshWorld, layUplink } from '../helpers/cli.js'

test('egressd gc: says what it would do, does that, and then finds nothing', async () => {
  await using world = await freshWorld()
  world.sh(layUplink)
  expect((await world.egressd(['demo', '--host', '--keep', '--firewall', 'nftables'])).code).toBe(0)
  world.sh('rm /run/egressd/namespaces/ns0.json; ip link add br9 type bridge; ip link set br9 alias egressd:br9')
  const before = world.census()
  const said = await world.egressd(['gc', '--dry-run'])
  expect(said).toMatchObject({ code: 0, stderr: '' })
  expect(said.stdout).toContain('would remove veth0, /run/netns/ns0 ("egressd:br0/ns0")\n')
  expect(said.stdout).toContain('kept br9 ("egressd:br9"): of a network that is not recorded here')
  expect(said.stdout).toContain('egressd gc --all')
  expect(world.census()).toBe(before)
  expect(await world.egressd(['gc'])).toMatchObject({ code: 0, stdout: said.stdout.replace('would remove', 'removed') })
  const after = world.census()
  expect(after).not.toContain('veth0')
  expect(after).toContain('br9')
  expect(JSON.parse((await world.egressd(['gc', '--json'])).stdout)).toMatchObject({
    ok: true,
    remove: [],
    kept: [{ alias: 'egressd:br9' }],
  })
  expect((await world.egressd(['gc', '--all'])).stdout).toBe('removed br9 ("egressd:br9")\n')
  expect((await world.egressd(['gc'])).stdout).toBe('There is nothing to remove.\n')
  expect((await world.egressd(['gc', '--what'])).code).toBe(2)
  expect((await world.egressd(['down'])).code).toBe(0)
})
