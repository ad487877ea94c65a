import type { NftChange, NftRuleset } from '../ops-nft.js'
import { change, validate } from './nft-changes.js'
import { Refusal } from './refusal.js'
import type { FakeNetns, Fields, Handlers } from './world.js'

export const nftHandlers: Handlers<'nft.commit' | 'nft.list' | 'nft.generation'> = {
  'nft.commit': (netns, { changes, generation }) => {
    if (generation !== undefined && generation !== netns.nft.generation) throw new Refusal('ERESTART')
    const next = structuredClone(netns.nft)
    changes.forEach((one, i) => {
      try {
        change(next, one)
      } catch (error) {
        throw error instanceof Refusal ? new Refusal(error.errno, `changes[${i}]: ${wordsOf(one)}`) : error
      }
    })
    validate(next)
    next.generation++
    netns.nft = next
    return undefined
  },
  'nft.list': list,
  'nft.generation': netns => netns.nft.generation,
}

function wordsOf(one: NftChange): string {
  const place = [one.family, 'table' in one && one.table, 'chain' in one && one.chain, 'set' in one && one.set]
  return [one.change, ...place, 'name' in one && one.name].filter(Boolean).join(' ')
}

function list(netns: FakeNetns, { family, table, elements = true, rules = true }: Fields<'nft.list'>): NftRuleset {
  const wanted = netns.nft.tables.filter(
    ({ table: one }) => (family === undefined || one.family === family) && (table === undefined || one.name === table),
  )
  return structuredClone({
    generation: netns.nft.generation,
    tables: wanted.map(one => one.table),
    chains: wanted.flatMap(one => one.chains),
    rules: rules
      ? wanted.flatMap(one => one.chains.flatMap(({ name }) => one.rules.filter(({ chain }) => chain === name)))
      : [],
    sets: wanted.flatMap(one => one.sets.map(set => (elements ? set : { ...set, elements: [] }))),
  })
}
