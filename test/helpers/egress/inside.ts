import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { type Kind, refusal, thrown, withNetwork } from './subject.js'

export function inside({ real, open }: Kind): void {
  if (real)
    describe('inside', () => {
      test.each([['ns0'], [undefined]])('%s: a command sees the namespace it is in', async name => {
        await using subject = await open()
        const namespace = await (await withNetwork(subject)).create({ ...(name && { name }) })
        const child = await namespace.spawn('sh', ['-c', 'ip -j -4 address show dev eth0; exit 3'])
        let text = ''
        child.stdout?.on('data', chunk => (text += chunk))
        const [code] = await once(child, 'close')
        expect(code).toBe(3)
        expect(JSON.parse(text)[0].addr_info[0].local).toBe(namespace.addresses[0])
        expect((await refusal(namespace.spawn('/nonexistent'))).code).toBe('EGRESSD_SPAWN_FAILED')
      })

      test('sockets are of the namespaces they are opened in', async () => {
        await using subject = await open()
        const br0 = await withNetwork(subject)
        const [a, b] = [await br0.create({ name: 'a' }), await br0.create()]
        const server = await a.listen({ port: 7000 })
        server.on('connection', socket => socket.end(`${socket.remoteAddress}`))
        const client = await b.connect({ address: a.addresses[0] as string, port: 7000 })
        const [seen] = await once(client, 'data')
        expect(String(seen)).toBe(b.addresses[0])
        client.destroy()
        server.close()
        await once(server, 'close')
        const refused = (await thrown(b.connect({ address: a.addresses[0] as string, port: 7001 }))) as { code: string }
        expect(refused.code).toBe('ECONNREFUSED')

        const [from, to] = [await a.datagram(), await b.datagram({ port: 9 })]
        from.send('hello', 9, b.addresses[0])
        const [message, { address }] = await once(to, 'message')
        expect([String(message), address]).toEqual(['hello', a.addresses[0]])
        from.close()
        to.close()
        expect((await refusal(a.listen({ address: 'nowhere' }))).field).toBe('address')
      })

      test('a tool of others takes its reference', async () => {
        await using subject = await open()
        const ns0 = await (await withNetwork(subject)).create({ name: 'ns0' })
        const done = spawnSync('nsenter', [`--net=${ns0.path}`, 'ip', '-j', 'route'], { encoding: 'utf8' })
        expect(JSON.parse(done.stdout)).toContainEqual(
          expect.objectContaining({ dst: 'default', gateway: '192.168.0.1' }),
        )
      })
    })
}
