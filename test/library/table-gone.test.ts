import { expect, test } from 'vitest'
import { nativeKernel } from '../../src/kernel/native.js'
import { createLibrary, dual } from '../helpers/library.js'

test('a namespace is made though somebody has just flushed all rules', async () => {
  // NB: the kernel itself: it has a namespace begun ahead, which the first attempt uses up.
  await using library = await createLibrary({ kernel: nativeKernel, firewall: 'nftables' })
  const network = await library.egress.network(dual)
  for (const options of [{ name: 'ns0' }, {}]) {
    library.host.tool('nft', ['flush', 'ruleset'])
    const namespace = await network.create(options)
    expect((await namespace.ping('8.8.8.8'))[0]?.result).toBe('reply')
    expect(library.host.tool('nft', ['list', 'ruleset'])).toContain(`"${namespace.hostInterface}"`)
  }
})
