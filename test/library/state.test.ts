import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { Egress } from '../../src/egress.js'
import { type EgressError, isEgressError } from '../../src/errors.js'
import type { SpecInput } from '../../src/spec/schema.js'
import { createLibrary, refusal } from '../helpers/library.js'

const spec: SpecInput = {
  networks: [
    { name: 'br0', subnets: ['192.168.0.0/16', 'fd00::/64'] },
    { name: 'rt0', mode: 'routed', subnets: ['10.77.0.0/16'] },
  ],
  namespaces: [
    { name: 'ns0', network: 'br0' },
    { name: 'r0', network: 'rt0' },
  ],
}

test('of several that want a state directory at once, one has it, and the others are told whose it is', async () => {
  await using library = await createLibrary()
  await library.egress.apply(spec)
  const options = { host: { fd: library.host.kernel.hostFd }, stateDir: library.stateDir, netnsDir: library.netnsDir }
  expect(await refusal(Egress.open(options))).toMatchObject({
    code: 'EGRESSD_STATE_LOCKED',
    details: { pid: process.pid },
    message: expect.stringContaining(`process ${process.pid}`),
  })
  await library.egress.close()
  const racing = await Promise.allSettled(Array.from({ length: 8 }, () => Egress.open(options)))
  const won = racing.flatMap(one => (one.status === 'fulfilled' ? [one.value] : []))
  const lost = racing.flatMap(one => (one.status === 'rejected' ? [one.reason as EgressError] : []))
  expect(won).toHaveLength(1)
  expect(lost.map(error => isEgressError(error) && error.code)).toEqual(Array(7).fill('EGRESSD_STATE_LOCKED'))
  expect(await won[0]?.check(spec)).toEqual({ inSync: true, changes: [] })
  await won[0]?.close()
})

test('a worker that is terminated has it no longer; the next one takes up what it made', async () => {
  await using library = await createLibrary()
  await library.egress.close()
  const { host, stateDir, netnsDir, etcNetnsDir } = library
  const module = new URL('../../dist/egress.js', import.meta.url).href
  const body = `const { workerData, parentPort } = require('node:worker_threads')
    ;(async () => {
      const { Egress } = await import(${JSON.stringify(module)})
      const egress = await Egress.open(workerData.options)
      await egress.apply(workerData.spec)
      parentPort.postMessage('made')
      setInterval(() => {}, 1000)
    })()`
  const options = { host: { fd: host.kernel.hostFd }, stateDir, netnsDir, etcNetnsDir }
  for (let i = 0; i < 2; i++) {
    const worker = new Worker(body, { eval: true, workerData: { options, spec } })
    expect(await Promise.race([once(worker, 'message'), once(worker, 'error')])).toEqual(['made'])
    expect(await refusal(Egress.open(options))).toMatchObject({ code: 'EGRESSD_STATE_LOCKED' })
    await worker.terminate()
  }
  expect(await (await library.restart()).check(spec)).toEqual({ inSync: true, changes: [] })
})

test('records of another boot are of things that are gone', async () => {
  await using library = await createLibrary()
  const { host, stateDir, netnsDir } = library
  await library.egress.apply(spec)
  const before = library.census()
  await library.egress.close()
  // What a reboot takes away.
  for (const name of readdirSync(netnsDir)) {
    host.tool('umount', ['-l', join(netnsDir, name)])
    rmSync(join(netnsDir, name))
  }
  for (const name of ['br0', 'rt0']) host.tool('ip', ['link', 'del', name])
  host.tool('nft', ['flush', 'ruleset'])
  await expect.poll(() => host.tool('ip', ['-o', 'link']).trim().split('\n').length).toBe(2)
  const file = join(stateDir, 'host.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), boot: 'another' }))
  const configured = join(stateDir, 'configured.json')
  writeFileSync(configured, '{"networks":["br0"],"namespaces":["ns0"]}')

  const egress = await library.restart()
  expect(existsSync(configured)).toBe(false)
  expect([egress.networks, egress.namespaces]).toEqual([[], []])
  const { changes } = await egress.apply(spec)
  expect(changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`)).toEqual([
    'create network br0',
    'create network rt0',
    'create namespace ns0',
    'create namespace r0',
  ])
  // The same addresses too: nobody has them, and nobody had them in this boot.
  const told = ({ addresses, routes, pins }: Record<string, unknown>) => ({ addresses, routes, pins })
  expect(told(library.census())).toEqual(told(before))
})

test('records of a version that writes them otherwise are refused, and left alone', async () => {
  await using library = await createLibrary()
  const { stateDir } = library
  await library.egress.apply(spec)
  await library.egress.close()
  const before = library.census()
  const file = join(stateDir, 'host.json')
  const host = readFileSync(file, 'utf8')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(host), schema: 2 }))
  expect(await refusal(library.restart())).toMatchObject({
    code: 'EGRESSD_STATE_INVALID',
    field: 'stateDir',
    message: expect.stringContaining('schema 2, and this one knows 1'),
  })
  writeFileSync(file, host)
  const egress = await library.restart()
  expect(library.census()).toEqual(before)
  expect(await egress.check(spec)).toEqual({ inSync: true, changes: [] })
})
