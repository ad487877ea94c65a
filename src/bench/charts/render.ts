import type { EChartsCoreOption } from 'echarts'
import { EgressError } from '../../errors.js'
import { colour, themed } from './theme.js'

export interface Chart {
  /** Of its file, without ending. */
  name: string
  title: string
  subtitle: string
  height: number
  /** Everything but title and fonts. */
  option: EChartsCoreOption
}

export const width = 820
/** Room for title and subtitle. */
export const top = 74
export const font = 'system-ui, -apple-system, Segoe UI, Roboto, Helvetica, Arial, sans-serif'

/** Parts that all charts have. */
export const axis = {
  axisLine: { lineStyle: { color: colour('quiet') } },
  axisTick: { show: false },
  axisLabel: { color: colour('quiet') },
  splitLine: { lineStyle: { color: colour('line') } },
  nameTextStyle: { color: colour('quiet') },
}
export const legend = {
  icon: 'roundRect',
  top: 46,
  left: 12,
  itemHeight: 9,
  itemWidth: 16,
  textStyle: { color: colour('ink') },
}

/**
 * Draws with ECharts, without a DOM. Throws EGRESSD_MISSING_PACKAGE where it is not installed: a program that only makes
 * namespaces need not have it.
 */
export async function render(charts: readonly Chart[]): Promise<{ name: string; svg: string }[]> {
  const echarts = await load()
  echarts.setPlatformAPI({ measureText })
  return charts.map(({ name, title, subtitle, height, option }) => {
    const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
    chart.setOption({
      animation: false,
      backgroundColor: 'transparent',
      textStyle: { fontFamily: font, color: colour('ink') },
      title: {
        text: title,
        subtext: subtitle,
        left: 12,
        top: 6,
        itemGap: 4,
        textStyle: { fontSize: 16, fontWeight: 600, color: colour('ink') },
        subtextStyle: { fontSize: 12, color: colour('quiet') },
      },
      ...option,
    })
    const svg = themed(chart.renderToSVGString(), `${title}: ${subtitle}`)
    chart.dispose()
    return { name, svg }
  })
}

/** Without a DOM nobody can measure text: room for the widest of the usual fonts, so that no two parts of a legend meet. */
function measureText(text: string, font?: string): { width: number } {
  const [, size = '12'] = /(\d+)px/.exec(font ?? '') ?? []
  // NB: ZRender takes the width of a Chinese character for the height of a line.
  const ems = [...text].reduce((sum, letter) => sum + (letter > '\u2e80' ? 1 : 0.6), 0)
  return { width: ems * Number(size) }
}

async function load(): Promise<typeof import('echarts')> {
  try {
    return await import('echarts')
  } catch (cause) {
    const message = 'svg: charts are drawn with echarts, which is not installed: npm install echarts@6'
    throw new EgressError('EGRESSD_MISSING_PACKAGE', message, { field: 'svg', cause })
  }
}
