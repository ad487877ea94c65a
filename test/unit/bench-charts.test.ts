import { describe, expect, test, vi } from 'vitest'
import { chartsOf } from '../../src/bench/charts/all.js'
import { render } from '../../src/bench/charts/render.js'
import { benchFixture } from '../helpers/bench-result.js'

const charts = chartsOf(benchFixture())

test('all that there are samples for, and no more', () => {
  expect(charts.map(({ name }) => name).sort()).toEqual([
    'arrivals',
    'growth-bridge',
    'latency-create',
    'latency-destroy',
    'rates',
    'soak',
    'throughput',
  ])
  expect(chartsOf(benchFixture({ series: [] }))).toEqual([])
})

describe('as SVG', async () => {
  const drawn = await render(charts)

  test.each(drawn)('$name: for light and dark, without a background', ({ svg }) => {
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
    expect(svg.trimEnd()).toMatch(/<\/svg>$/)
    expect(svg).toContain('@media (prefers-color-scheme:dark){svg{--')
    expect(svg).not.toMatch(/<rect[^>]*width="820"[^>]*fill="(?!none|transparent)/)
    expect(svg).not.toMatch(/NaN|Infinity|undefined|class="|<script|\[object/)
    // Every colour is one that the style sheet knows: none stays dark on dark.
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(svg) ?? []
    const colours = [
      ...svg
        .replace(style, '')
        .replace(/<clipPath[\s\S]*?<\/clipPath>/g, '')
        .matchAll(/ (?:fill|stroke)="([^"]+)"/g),
    ].map(([, found]) => found as string)
    const unknown = colours.filter(found => found !== 'none' && !style.includes(`"${found}"`))
    expect(unknown.filter(found => !/^(?:transparent|rgba?\(0,0,0(?:,0)?\)|url)/.test(found))).toEqual([])
  })

  test('they are the same each time', async () => {
    expect((await render(charts)).map(({ name }) => name)).toEqual(drawn.map(({ name }) => name))
  })
})

test('without echarts it says what to install', async () => {
  vi.resetModules()
  vi.doMock('echarts', () => {
    throw new Error('Cannot find package')
  })
  const { render: again } = await import('../../src/bench/charts/render.js')
  await expect(again(charts)).rejects.toMatchObject({
    code: 'EGRESSD_MISSING_PACKAGE',
    field: 'svg',
    message: expect.stringContaining('npm install echarts@6'),
  })
})
