// A packet that rules of others are asked about.
import type { Packet } from '../../src/plan/foreign-packet.js'

/** Of a new flow, from br0 to eth0; what a test says of it besides. */
export const outwards = (besides: Pick<Packet, 'bridge' | 'source' | 'destination' | 'original'>): Packet => ({
  family: 4,
  direction: 'out',
  protocol: 'TCP',
  input: { is: 'br0' },
  output: { is: 'eth0' },
  state: 'new',
  ...besides,
})
