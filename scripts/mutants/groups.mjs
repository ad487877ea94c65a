/** What is broken, and the tests that must notice. */
export const groups = [
  {
    files: ['src/ipam/pool.ts', 'src/ipam/queue.ts', 'src/ipam/addresses.ts'],
    tests: ['test/unit/pool.test.ts', 'test/unit/addresses.test.ts'],
  },
  { files: ['src/plan/changes.ts'], tests: ['test/unit/changes.test.ts'] },
  { files: ['src/plan/desired.ts'], tests: ['test/unit/desired.test.ts'] },
  { files: ['src/plan/network.ts', 'src/plan/forwarding.ts'], tests: ['test/unit/plan-network.test.ts'] },
  {
    files: ['src/plan/namespace.ts', 'src/plan/inside.ts', 'src/plan/outside.ts', 'src/plan/neighbour.ts'],
    tests: ['test/unit/plan-inside.test.ts', 'test/unit/plan-outside.test.ts', 'test/unit/plan-new-namespace.test.ts'],
  },
  { files: ['src/plan/garbage.ts'], tests: ['test/unit/garbage.test.ts'] },
  {
    files: [
      'src/plan/firewall.ts',
      'src/plan/nftables.ts',
      'src/plan/nftables-elements.ts',
      'src/plan/nftables-inet.ts',
      'src/plan/nftables-bridge.ts',
      'src/plan/nftables-owner.ts',
      'src/plan/xtables.ts',
      'src/plan/xtables-rules.ts',
    ],
    tests: ['test/unit/firewall-rules.test.ts', 'test/unit/plan-firewall.test.ts', 'test/unit/table-owner.test.ts'],
  },
  {
    files: [
      'src/plan/foreign.ts',
      'src/plan/foreign-walk.ts',
      'src/plan/foreign-packet.ts',
      'src/plan/foreign-nft-match.ts',
      'src/plan/foreign-nft-load.ts',
    ],
    tests: [
      'test/unit/foreign-walk.test.ts',
      'test/unit/foreign-packet.test.ts',
      'test/unit/foreign-nft-load.test.ts',
      'test/unit/foreign.test.ts',
      'test/unit/foreign-sets.test.ts',
      'test/unit/foreign-explained.test.ts',
    ],
  },
  { files: ['src/plan/foreign-nft.ts'], tests: ['test/unit/foreign-nft.test.ts'] },
  { files: ['src/plan/foreign-xt.ts', 'src/plan/foreign-xt-match.ts'], tests: ['test/unit/foreign-xt.test.ts'] },
  { files: ['src/plan/admission-rules.ts'], tests: ['test/unit/admission-rules.test.ts'] },
  { files: ['src/plan/admission.ts'], tests: ['test/unit/admission.test.ts'] },
  { files: ['src/engine/pin-owner.ts'], tests: ['test/unit/pin-owner.test.ts'] },
  {
    files: ['src/watch/pace.ts', 'src/watch/dirty.ts', 'src/watch/subjects.ts'],
    tests: ['test/unit/watch.test.ts'],
  },
  {
    files: [
      'src/recycle/compare.ts',
      'src/recycle/files.ts',
      'src/recycle/forms.ts',
      'src/recycle/own.ts',
      'src/recycle/plan.ts',
      'src/recycle/sockets.ts',
      'src/recycle/words.ts',
    ],
    tests: ['test/unit/recycle-plan.test.ts', 'test/unit/recycle.test.ts'],
  },
  {
    files: ['src/pool/back-off.ts', 'src/pool/stock.ts', 'src/pool/waiting.ts'],
    tests: ['test/unit/pool-parts.test.ts'],
  },
  {
    files: ['src/spec/cidr.ts', 'src/spec/ip.ts'],
    tests: ['test/unit/cidr.test.ts'],
  },
  { files: ['src/spec/mac.ts'], tests: ['test/unit/mac.test.ts'] },
  { files: ['src/spec/names.ts'], tests: ['test/unit/names.test.ts'] },
  {
    files: ['src/spec/network.ts', 'src/spec/namespace.ts', 'src/spec/document.ts'],
    tests: ['test/unit/schema.test.ts', 'test/unit/document.test.ts'],
  },
]

const queue = 'src/ipam/queue.ts'
const sweeping = {
  file: queue,
  line: '.length > 64 &&',
  why: 'when places are swept costs time, and changes no answer',
}

/** Changes after which it does the same, with the reason. */
export const accepted = [
  {
    file: 'src/ipam/pool.ts',
    line: 'if (ip.value < this.#next) this.#next = ip.value',
    does: '< becomes <=',
    why: 'where they are the same, the assignment changes nothing',
  },
  {
    file: queue,
    line: 'while (this.#head <',
    does: '< becomes <=',
    why: 'behind the last there is none that was taken out',
  },
  {
    file: queue,
    line: 'place < this.#values.length',
    does: '< becomes <=',
    why: 'behind the last there is nothing to be given',
  },
  ...['&& becomes ||', '> becomes >=', 'if ( becomes if (!'].map(does => ({ ...sweeping, does })),
  {
    file: 'src/plan/xtables.ts',
    line: 'wanted.length - kept.length',
    does: '- becomes +',
    why: 'behind the last nothing is the same as what was kept',
  },
  {
    file: 'src/plan/nftables-elements.ts',
    line: '~(mask[i] ?? 0)',
    does: '0 becomes 1',
    why: 'a mask is as long as its address',
  },
  {
    file: 'src/plan/foreign-xt.ts',
    line: "if (match === 'no') break",
    does: 'if ( becomes if (!',
    why: 'what does not match by one of them does not by whatever the others say; that is told earlier, which saves time',
  },
  {
    file: 'src/plan/foreign-xt-match.ts',
    line: 'const [flags = 0, invert = 0, bits = 0]',
    does: '0 becomes 1',
    why: 'there are three by then',
  },
  {
    file: 'src/plan/foreign-packet.ts',
    line: '~(mask[i] ?? 0)',
    does: '0 becomes 1',
    why: 'a mask is as long as its address',
  },
  {
    file: 'src/plan/foreign-nft.ts',
    line: 'if (bases.length === 0) return []',
    does: 'if ( becomes if (!',
    why: 'of no base chain nothing comes; that is told earlier, which saves time',
  },
  {
    file: 'src/plan/foreign-nft.ts',
    line: 'if (chain.hook === undefined ||',
    does: 'if ( becomes if (!',
    why: 'a chain has a hook and a priority, or neither',
  },
  {
    file: 'src/plan/foreign-nft-match.ts',
    line: "if (match === 'no') return none",
    does: 'if ( becomes if (!',
    why: 'what does not match is passed by whatever it does; that is told earlier, which saves time',
  },
  {
    file: 'src/plan/foreign-nft-match.ts',
    line: 'if (expr.destination !== undefined) registers.set',
    does: 'if ( becomes if (!',
    why: 'a register without a number is one that nobody reads',
  },
  {
    file: 'src/plan/foreign-nft-match.ts',
    line: "if (match === 'yes') break",
    does: 'if ( becomes if (!',
    why: 'what is in a set by one element is in it whatever the others say; that is told earlier, which saves time',
  },
  {
    file: 'src/spec/names.ts',
    line: 'byte < 0x20 ||',
    does: '< becomes <=',
    why: 'a space has been told by then',
  },
  ...['true becomes false', 'false becomes true'].map(does => ({
    file: 'src/spec/network.ts',
    line: does.startsWith('true') ? 'fields?.admit ?? true' : 'fields?.isolated ?? false',
    does,
    why: 'where there are no fields there are problems, and nothing is returned',
  })),
  ...[
    ['if (typeof input !==', '=== becomes !=='],
    ['if (typeof input !==', 'if ( becomes if (!'],
    ['if (fields.length === 0)', 'if ( becomes if (!'],
  ].map(([line, does]) => ({
    file: 'src/spec/namespace.ts',
    line,
    does,
    why: 'it goes the longer way, to the same',
  })),
  {
    file: 'src/engine/pin-owner.ts',
    line: 'if (pin === null) return null',
    does: 'if ( becomes if (!',
    why: 'there is no file of no name either',
  },
  {
    file: 'src/engine/pin-owner.ts',
    line: 'if (!lo.ok || !links.ok) return',
    does: '|| becomes &&',
    why: 'both are read by then',
  },
  {
    file: 'src/watch/pace.ts',
    line: '#filled = 0',
    does: '0 becomes 1',
    why: 'at first there is no room for more, whenever that is',
  },
  {
    file: 'src/watch/subjects.ts',
    line: '(outside ?? 0)',
    does: '0 becomes 1',
    why: 'number 1 is the loopback, which is nobody’s',
  },
  {
    file: 'src/recycle/compare.ts',
    line: 'if (fresh.settings !== used.settings)',
    does: 'if ( becomes if (!',
    why: 'those that are the same have no differences; to take them apart costs time',
  },
  {
    file: 'src/recycle/forms.ts',
    line: "'xfrm-",
    does: '0 becomes 1',
    why: 'all of a message is in its line, wherever that is taken apart',
  },
  {
    file: 'src/ipam/addresses.ts',
    line: 'unused: true',
    does: 'true becomes false',
    why: 'that it is there is what counts; in types it is none',
  },
]
