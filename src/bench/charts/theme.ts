/** A colour on a light and on a dark background. ECharts draws with the first; the second is put over it by CSS. */
type Pair = readonly [light: string, dark: string]

const pairs = {
  ink: ['#1f2328', '#f0f3f6'],
  quiet: ['#57606a', '#9ea7b3'],
  line: ['#d1d9e0', '#3d444d'],
  blue: ['#0969da', '#58a6ff'],
  navy: ['#0a3069', '#a5d6ff'],
  cyan: ['#1b7c83', '#39c5cf'],
  green: ['#1a7f37', '#3fb950'],
  grey: ['#6e7781', '#8b949e'],
  amber: ['#bf8700', '#e3b341'],
  orange: ['#bc4c00', '#f0883e'],
  red: ['#cf222e', '#ff7b72'],
  indigo: ['#4338ca', '#a5a3f7'],
  purple: ['#8250df', '#bc8cff'],
  pink: ['#bf3989', '#f778ba'],
  brown: ['#7d4e00', '#d0a46a'],
  olive: ['#4d5c1a', '#a8b86b'],
  slate: ['#64748b', '#a3b1c6'],
} as const satisfies Record<string, Pair>

export type ColourName = keyof typeof pairs
export const colour = (name: ColourName): string => pairs[name][0]

const sides: Record<string, ColourName> = {
  library: 'blue',
  xtables: 'navy',
  anonymous: 'cyan',
  daemon: 'indigo',
  pool: 'green',
  'pool-named': 'olive',
  floor: 'grey',
  'floor-handed': 'slate',
  'ip-batch': 'amber',
  'ip-tuned': 'orange',
  'ip-iptables': 'red',
  cni: 'purple',
  pyroute2: 'pink',
  'npm-iproute': 'brown',
  'npm-netlink': 'ink',
  host: 'grey',
}

/** A side has the same colour in all charts. */
export const colourOf = (side: string): string => colour(sides[side] ?? 'ink')

/** Makes every colour a CSS variable that follows the reader's scheme, and leaves out what only a page with a pointer needs. */
export function themed(svg: string, description: string): string {
  const used = Object.entries(pairs).filter(([, [light]]) => svg.includes(`"${light}"`))
  const variables = (scheme: 0 | 1) => used.map(([name, pair]) => `--${name}:${pair[scheme]}`).join(';')
  const rules = used.flatMap(([name, [light]]) =>
    ['fill', 'stroke'].map(what => `[${what}="${light}"]{${what}:var(--${name})}`),
  )
  // NB: where a renderer knows no variables, the attributes stay as they are: the light scheme.
  const style = `<style>svg{${variables(0)}}@media (prefers-color-scheme:dark){svg{${variables(1)}}}${rules.join('')}</style>`
  const title = `<title>${escaped(description)}</title>`
  return (
    svg
      .replace(/<style ?>[\s\S]*?<\/style>\n?/g, '')
      // Frames of title and legend, which nobody sees.
      .replace(/<path [^>]*fill-opacity="0"[^>]*><\/path>\n/g, '')
      .replace(/ (?:class|ecmeta_[a-z_]+|pointer-events)="[^"]*"/g, '')
      .replace(/^(<svg [^>]*>)/, (_all, open: string) => `${open}\n${title}\n${style}`)
  )
}

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
