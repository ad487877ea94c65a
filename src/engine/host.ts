import { applyAdmission } from '../apply/admission.js'
import { applyFirewall, canConfine, checkTables, dropStrays, type FirewallGoal } from '../apply/firewall.js'
import { Probe } from '../apply/probe.js'
import { EgressError } from '../errors.js'
import { AddressBook } from '../ipam/addresses.js'
import type { Kernel } from '../kernel/kernel.js'
import type { NftChange } from '../kernel/ops-nft.js'
import {
  type Backend,
  type FirewallNetwork,
  firewallNamespace,
  firewallNetwork,
  muteNamespace,
} from '../plan/firewall.js'
import { familiesOf } from '../plan/network.js'
import { linkElementsGone } from '../plan/nftables-elements.js'
import type { TableOwner } from '../plan/nftables-owner.js'
import type { NetworkSpec } from '../spec/network.js'
import type { StateDirectory } from '../state/directory.js'
import { readXtFamilies } from '../state/read.js'
import { tableOwner } from '../state/table-owner.js'
import { Aftermath } from './aftermath.js'
import { Ahead } from './ahead.js'
import { FormerFlows } from './former-flows.js'
import { Gate } from './gate.js'
import { Leftovers } from './leftovers.js'
import type { LiveNamespace, LiveNetwork } from './live.js'
import { Locks } from './locks.js'
import type { EgressOptions, Log } from './options.js'
import { type DyingLink, Reaper } from './reaper.js'

/** Of the boot's monotonic clock: it is never set, and all processes of a boot read the same. It stands while the machine sleeps. */
const bootMs = (): number => Number(process.hrtime.bigint() / 1_000_000n)

const silent: Log = { debug() {}, info() {}, warn() {} }

interface Attached {
  close(): Promise<void>
  /** Of a pool: its own, and its network's. */
  readonly name?: string
  readonly network?: string
}

/** What the handles of one Egress share: its host as the kernel and the records have it. */
export class Host {
  readonly kernel: Kernel
  readonly state: StateDirectory
  readonly options: EgressOptions
  readonly log: Log
  readonly probe: Probe
  readonly #tables: TableOwner
  readonly locks = new Locks()
  /** Namespaces change their own elements of the firewall side by side, but not while the whole is planned. */
  readonly firewallGate = new Gate()
  readonly networks = new Map<string, LiveNetwork>()
  /** By name, the anonymous ones too. */
  readonly namespaces = new Map<string, LiveNamespace>()
  readonly reaper: Reaper
  readonly ahead: Ahead
  readonly aftermath: Aftermath
  readonly leftovers = new Leftovers(this.firewallGate, changes => this.takeBack(changes))
  /** A transaction of ours was refused: it is to be planned as a whole. */
  firewallBroken = false
  /** Links that are marked as ours and of no namespace that is known: processes run in them. They are not to send as anybody. */
  kept: readonly { name: string; network: string }[] = []
  /** To be closed with the handle. */
  readonly attached = new Set<Attached>()
  closed = false
  /** Told of each link that is about to go with its namespace, by our doing. */
  leaving: (index: number) => void = () => {}
  /** A document is being applied: networks and their namespaces are on their way from one to the other. */
  applying = false
  /** Told when that is over. */
  applied: () => void = () => {}
  #confines = false

  constructor(kernel: Kernel, state: StateDirectory, options: EgressOptions) {
    this.kernel = kernel
    this.state = state
    this.options = options
    this.log = options.log ?? silent
    this.probe = new Probe(kernel)
    this.ahead = new Ahead(kernel)
    this.reaper = new Reaper(kernel, link => this.#linkGone(link))
    this.#tables = tableOwner(state.path, kernel.host)
    const flows = new FormerFlows(kernel, this.log, this.locks)
    this.aftermath = new Aftermath({ flows, reaper: this.reaper, flush: () => this.flush(), log: this.log })
  }

  assertOpen(): void {
    if (this.closed) throw new EgressError('EGRESSD_CLOSED', 'this Egress was closed')
  }

  namespacesOf(network: LiveNetwork): LiveNamespace[] {
    return [...this.namespaces.values()].filter(namespace => namespace.network === network)
  }

  /** The addresses of a network that is made or taken up. */
  addressBook({ name, subnets }: NetworkSpec): AddressBook {
    const log = this.state.leases(name)
    const { quarantineMs } = this.options
    const book = new AddressBook(subnets, { now: bootMs, quarantineMs, log, leases: log.read() })
    // Whether the process before this one came to have them forgotten is not known.
    const resting = book.resting()
    if (resting.length > 0) this.aftermath.forgetSoon(resting)
    return book
  }

  pinOf(name: string): string {
    return `${this.options.netnsDir ?? '/run/netns'}/${name}`
  }

  /** What it should hold: what the networks say, `besides` among them and `without` not. */
  async desiredFirewall(
    backend: Backend,
    besides: LiveNetwork | null,
    without: LiveNetwork | null,
    taken: FirewallGoal['taken'],
  ): Promise<FirewallGoal> {
    const networks = this.firewallNetworks(besides, without)
    const mute = [...this.reaper.links, ...this.kept].filter(({ name }) => name !== '').map(muteNamespace)
    const namespaces = [...[...this.namespaces.values()].map(({ desired }) => firewallNamespace(desired)), ...mute]
    const all = [...networks, ...(without ? [firewallNetwork(without.spec, without.backend)] : [])]
    const touched = all.filter(network => network.backend === 'xtables')
    const families =
      backend === 'xtables' || touched.length > 0
        ? await readXtFamilies(this.kernel, familiesOf(touched.flatMap(({ subnets }) => subnets)))
        : []
    const guard = networks.length > 0 ? this.state.host.forwarding : []
    return { backend, desired: { networks, namespaces, guard }, families, owner: this.#tables, taken }
  }

  /**
   * Makes the firewall hold that, and those of others let it through. True where something was changed. Throws
   * EGRESSD_NAME_TAKEN where a table is somebody else's; but what goes needs none, and `leave` says so.
   */
  async syncFirewall(
    backend: Backend,
    besides: LiveNetwork | null,
    without: LiveNetwork | null,
    taken: FirewallGoal['taken'] = without ? 'leave' : 'refuse',
  ): Promise<boolean> {
    const { desired, changed, admitted } = await this.firewallGate.exclusive(async () => {
      const { goal, changed } = await this.leftovers.planned(async () => {
        const goal = await this.desiredFirewall(backend, besides, without, taken)
        return { goal, changed: await applyFirewall(this.kernel, goal) }
      })
      const { desired } = goal
      return { desired, changed, admitted: await applyAdmission(this.kernel, desired.networks) }
    })
    // NB: what began before, in a network that already has namespaces, may have found no masquerade.
    if (changed && desired.namespaces.length > 0) await this.aftermath.translate(desired.networks)
    return changed || admitted
  }

  /** Makes the firewall hold what is there, by each backend that there is. */
  async syncFirewalls(taken?: FirewallGoal['taken']): Promise<void> {
    for (const backend of new Set([...this.networks.values()].map(network => network.backend)))
      await this.syncFirewall(backend, null, null, taken)
  }

  /** It was the last that the firewall knew of it. */
  #linkGone({ name, network }: DyingLink): void {
    const mode = this.networks.get(network)?.desired.mode
    if (mode && name !== '') this.leftovers.add(linkElementsGone(muteNamespace({ name, network }), { mode }))
  }

  /** What processes that were killed have left in the firewall of their namespaces is taken out. */
  async dropStrays(): Promise<void> {
    if (this.networks.size === 0) return
    await this.firewallGate.exclusive(async () => {
      await dropStrays(this.kernel, await this.desiredFirewall('nftables', null, null, 'leave'))
    })
  }

  /** Throws EGRESSD_NAME_TAKEN where a table is somebody else's that one needs, or those that stand beside it. */
  checkTables(spec: NetworkSpec, backend: Backend): Promise<void> {
    const others = this.firewallNetworks().filter(({ name }) => name !== spec.name)
    return checkTables(this.kernel, this.#tables, [...others, firewallNetwork(spec, backend)])
  }

  /** Those of both backends: what lets them through the firewalls of others is one for all. */
  firewallNetworks(besides: LiveNetwork | null = null, without: LiveNetwork | null = null): FirewallNetwork[] {
    const all = new Set([...this.networks.values(), ...(besides ? [besides] : [])])
    if (without) all.delete(without)
    return [...all].map(network => firewallNetwork(network.spec, network.backend))
  }

  /** Whether who may send by which link is held by nf_tables: always, but where the kernel has none. */
  async confines({ backend }: LiveNetwork): Promise<boolean> {
    if (backend === 'nftables') return true
    // A kernel that has it keeps it.
    this.#confines ||= await canConfine(this.kernel)
    return this.#confines
  }

  /** Takes elements out of the firewall. False where one was not there: then nothing was done, and the whole is to be planned. */
  async takeBack(changes: NftChange[]): Promise<boolean> {
    if (changes.length === 0) return true
    const [verdict] = await this.kernel.run([{ op: 'nft.commit', changes }])
    return verdict.ok
  }

  /**
   * The firewall has nothing of destroyed namespaces any more. NB: one at a time. Whoever comes while another is at it must not look at
   * the firewall before that is done.
   */
  flush(): Promise<void> {
    return this.locks.run('leftovers', async () => {
      const out = await this.leftovers.flush()
      if (out && !this.firewallBroken) return
      this.firewallBroken = false
      await this.syncFirewalls('leave').catch(error => {
        this.firewallBroken = true
        throw error
      })
    })
  }

  /** Does `work` while nothing of namespaces is on its way into the firewall or out of it. */
  async settled<T>(work: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      await this.flush()
      const done = await this.firewallGate.exclusive(async () => {
        // Others may have been destroyed while we waited.
        const whole = this.leftovers.pending === 0 && !this.firewallBroken
        return whole || tries >= 8 ? { value: await work() } : null
      })
      if (done) return done.value
    }
  }

  /** Resolves when the kernel has let go of these links of destroyed namespaces, and nothing of such is in the firewall. */
  async gone(indexes: readonly number[]): Promise<void> {
    await this.reaper.gone(indexes)
    await this.flush()
  }
}
