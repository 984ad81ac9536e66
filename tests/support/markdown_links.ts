/**
 * Links and headings of Markdown.
 *
 * @module
 */

/** A link of a page. */
export interface MarkdownLink {
  readonly text: string;
  /** As it is written. */
  readonly target: string;
}

/** A page without its blocks of code. */
function prose(markdown: string): string {
  return markdown.replace(/^[ >]*(```+).*\n[^]*?^[ >]*\1 *$/gm, "");
}

/** Returns the links and images of a page. */
export function linksIn(markdown: string): MarkdownLink[] {
  const text = prose(markdown).replace(/`[^`\n]*`/g, (code) => code.replaceAll(/[[\]()]/g, "."));
  return [...text.matchAll(/!?\[([^\]]*)\]\(([^)\s]+)\)/g)].map(([, text, target]) => ({
    text: text!,
    target: target!,
  }));
}

/** The anchor of a heading, as GitHub, JSR and the site make it. */
export function anchorOf(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1");
  return text.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replaceAll(" ", "-");
}

/** Returns the anchors of a page; of headings that are alike the later ones have a number. */
export function anchorsIn(markdown: string): Set<string> {
  const seen = new Map<string, number>();
  const found = new Set<string>();
  for (const [, heading] of prose(markdown).matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = anchorOf(heading!);
    const count = seen.get(anchor) ?? 0;
    seen.set(anchor, count + 1);
    found.add(count === 0 ? anchor : `${anchor}-${count}`);
  }
  return found;
}
