/**
 * How the reference looks: for each member its signature, with its types, and its doc comment. What says it a second time,
 * tables of parameters without a word on them, returns, where something is inherited from, is left out.
 */
import { Converter, ReflectionKind } from "typedoc";
import { MarkdownTheme, MarkdownThemeContext } from "typedoc-plugin-markdown";

/** What Node.js and `JSON.stringify` call, not programs. */
const UNSAID = ["[INSPECT]", "toJSON"];

class PlainContext extends MarkdownThemeContext {
  constructor(...args) {
    super(...args);
    const { partials } = this;
    this.partials = {
      ...partials,
      signatureReturns: () => "",
      inheritance: () => "",
      accessor: (model, { headingLevel }) => {
        const { getSignature } = model;
        const title = partials.signatureTitle(getSignature, { accessor: "get" });
        const comment = getSignature.comment ?? model.comment;
        return comment === undefined ? title : `${title}\n\n${partials.comment(comment, { headingLevel })}`;
      },
    };
  }
}

class PlainTheme extends MarkdownTheme {
  getRenderContext(page) {
    return new PlainContext(this, page, this.application.options);
  }
}

export const load = (app) => {
  app.renderer.defineTheme("plain", PlainTheme);
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    const members = project.getReflectionsByKind(ReflectionKind.ClassMember);
    for (const member of members) if (UNSAID.includes(member.name)) project.removeReflection(member);
  });
};
