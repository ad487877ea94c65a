// How docs/api looks: signatures with their types in one line, and below what is said of them; no sections that say the types again.
import { Converter, ReflectionKind } from 'typedoc'
import { MarkdownTheme, MarkdownThemeContext } from 'typedoc-plugin-markdown'

/** Those that `using` calls: what they do is said of `close` and `destroy`. */
const forUsing = new Set(['[asyncDispose]', '[dispose]'])

export function load(app) {
  app.renderer.defineTheme('egressd', Theme)
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const each of project.getReflectionsByKind(ReflectionKind.All)) {
      if (forUsing.has(each.name)) project.removeReflection(each)
      // One that is taken apart where it comes in has no name.
      else if (each.name === '__namedParameters') each.name = 'options'
    }
  })
}

class Theme extends MarkdownTheme {
  getRenderContext(page) {
    const context = new MarkdownThemeContext(this, page, this.application.options)
    const none = () => ''
    const accessor = ({ getSignature }) =>
      [
        `\`\`\`ts\n${getSignature.name}: ${getSignature.type};\n\`\`\``,
        getSignature.comment ? context.partials.comment(getSignature.comment) : '',
      ].join('\n\n')
    Object.assign(context.partials, { signatureReturns: none, inheritance: none, hierarchy: none, accessor })
    return context
  }
}
