// Layouts of the nf_tables messages in the fixtures (<linux/netfilter/nf_tables.h>).
import type { Dependent, Layout } from './netlink.js'

const header: Layout['header'] = [
  ['nfgen_family', 1],
  ['version', 1],
  ['res_id', 2],
]
const names = (prefix: string, all: string[]) => Object.fromEntries(all.map((name, i) => [i + 1, prefix + name]))
const attributes = (prefix: string, all: string) => names(prefix, all.split(' '))

const value: Layout = {
  attributes: {
    1: 'NFTA_DATA_VALUE',
    2: ['NFTA_DATA_VERDICT', { attributes: attributes('NFTA_VERDICT_', 'CODE CHAIN CHAIN_ID') }],
  },
}
const cmp = {
  attributes: { 1: 'NFTA_CMP_SREG', 2: 'NFTA_CMP_OP', 3: ['NFTA_CMP_DATA', value] },
} satisfies Layout
const bitwise: Layout = {
  attributes: {
    ...attributes('NFTA_BITWISE_', 'SREG DREG LEN'),
    4: ['NFTA_BITWISE_MASK', value],
    5: ['NFTA_BITWISE_XOR', value],
    6: 'NFTA_BITWISE_OP',
  },
}
const immediate: Layout = { attributes: { 1: 'NFTA_IMMEDIATE_DREG', 2: ['NFTA_IMMEDIATE_DATA', value] } }
const flat = (prefix: string, all: string): Layout => ({ attributes: attributes(prefix, all) })

const dataOf: Record<string, Layout> = {
  bitwise,
  cmp,
  immediate,
  counter: flat('NFTA_COUNTER_', 'BYTES PACKETS'),
  ct: flat('NFTA_CT_', 'DREG KEY DIRECTION SREG'),
  fib: flat('NFTA_FIB_', 'DREG RESULT FLAGS'),
  limit: flat('NFTA_LIMIT_', 'RATE UNIT BURST TYPE FLAGS'),
  log: flat('NFTA_LOG_', 'GROUP PREFIX SNAPLEN QTHRESHOLD LEVEL FLAGS'),
  lookup: flat('NFTA_LOOKUP_', 'SET SREG DREG SET_ID FLAGS'),
  masq: flat('NFTA_MASQ_', 'FLAGS REG_PROTO_MIN REG_PROTO_MAX'),
  match: flat('NFTA_MATCH_', 'NAME REV INFO'),
  meta: flat('NFTA_META_', 'DREG KEY SREG'),
  nat: flat('NFTA_NAT_', 'TYPE FAMILY REG_ADDR_MIN REG_ADDR_MAX REG_PROTO_MIN REG_PROTO_MAX FLAGS'),
  notrack: { attributes: {} },
  payload: flat('NFTA_PAYLOAD_', 'DREG BASE OFFSET LEN SREG CSUM_TYPE CSUM_OFFSET CSUM_FLAGS'),
  reject: flat('NFTA_REJECT_', 'TYPE ICMP_CODE'),
  target: flat('NFTA_TARGET_', 'NAME REV INFO'),
}
const data: Dependent = before => {
  const name = before.get(1)?.toString('latin1').replace(/\0$/, '') ?? ''
  const layout = dataOf[name]
  if (!layout) throw new Error(`no layout for the expression "${name}"`)
  return layout
}
const expression: Layout = { attributes: { 1: 'NFTA_EXPR_NAME', 2: ['NFTA_EXPR_DATA', data] } }
const expressions: Layout = { attributes: {}, elements: expression }

export const table: Layout = {
  header,
  attributes: attributes('NFTA_TABLE_', 'NAME FLAGS USE HANDLE PAD USERDATA OWNER'),
}
export const chain: Layout = {
  header,
  attributes: {
    ...attributes('NFTA_CHAIN_', 'TABLE HANDLE NAME HOOK POLICY USE TYPE COUNTERS PAD FLAGS ID USERDATA'),
    4: [
      'NFTA_CHAIN_HOOK',
      {
        attributes: {
          ...attributes('NFTA_HOOK_', 'HOOKNUM PRIORITY DEV'),
          4: ['NFTA_HOOK_DEVS', { attributes: {}, elements: 'NFTA_DEVICE_NAME' }],
        },
      },
    ],
  },
}
export const rule: Layout = {
  header,
  attributes: {
    ...attributes('NFTA_RULE_', 'TABLE CHAIN HANDLE EXPRESSIONS COMPAT POSITION USERDATA PAD ID'),
    4: ['NFTA_RULE_EXPRESSIONS', expressions],
  },
}
const description: Layout = {
  attributes: {
    1: 'NFTA_SET_DESC_SIZE',
    2: ['NFTA_SET_DESC_CONCAT', { attributes: {}, elements: { attributes: { 1: 'NFTA_SET_FIELD_LEN' } } }],
  },
}
export const set: Layout = {
  header,
  attributes: {
    ...attributes(
      'NFTA_SET_',
      'TABLE NAME FLAGS KEY_TYPE KEY_LEN DATA_TYPE DATA_LEN POLICY DESC ID TIMEOUT GC_INTERVAL USERDATA PAD OBJ_TYPE HANDLE',
    ),
    9: ['NFTA_SET_DESC', description],
    17: ['NFTA_SET_EXPR', expression],
    18: ['NFTA_SET_EXPRESSIONS', expressions],
  },
}
const element: Layout = {
  attributes: {
    1: ['NFTA_SET_ELEM_KEY', value],
    2: ['NFTA_SET_ELEM_DATA', value],
    3: 'NFTA_SET_ELEM_FLAGS',
    4: 'NFTA_SET_ELEM_TIMEOUT',
    5: 'NFTA_SET_ELEM_EXPIRATION',
    6: 'NFTA_SET_ELEM_USERDATA',
    7: ['NFTA_SET_ELEM_EXPR', expression],
    9: 'NFTA_SET_ELEM_OBJREF',
    10: ['NFTA_SET_ELEM_KEY_END', value],
    11: ['NFTA_SET_ELEM_EXPRESSIONS', expressions],
  },
}
export const elements: Layout = {
  header,
  attributes: {
    ...attributes('NFTA_SET_ELEM_LIST_', 'TABLE SET ELEMENTS SET_ID'),
    3: ['NFTA_SET_ELEM_LIST_ELEMENTS', { attributes: {}, elements: element }],
  },
}
export const generation: Layout = { header, attributes: attributes('NFTA_GEN_', 'ID PROC_PID PROC_NAME') }
