/** What is broken, and the tests that must notice. */
export const groups = [
  {
    files: ['src/ipam/pool.ts', 'src/ipam/queue.ts', 'src/ipam/addresses.ts'],
    tests: ['test/unit/pool.test.ts', 'test/unit/addresses.test.ts'],
  },
  { files: ['src/plan/changes.ts'], tests: ['test/unit/changes.test.ts'] },
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
      'src/plan/foreign-nft-match.ts',
      'src/plan/foreign-packet.ts',
    ],
    tests: ['test/unit/foreign.test.ts', 'test/unit/admission.test.ts'],
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
    file: 'src/ipam/addresses.ts',
    line: 'unused: true',
    does: 'true becomes false',
    why: 'that it is there is what counts; in types it is none',
  },
]
