/**
 * The menu of the site, out of the page of all pages.
 *
 * @module
 */

/** An entry of the menu. */
export interface SidebarItem {
  readonly text: string;
  readonly link: string;
}

/** Entries below a heading. */
export interface SidebarGroup {
  readonly text: string;
  readonly items: readonly SidebarItem[];
}

/** Returns the links of each paragraph in bold of docs/index.md, with what follows it. */
export function sidebar(index: string): SidebarGroup[] {
  return index.split(/^\*\*/m).slice(1).map((part) => {
    const [text, rest] = part.split("**") as [string, string];
    const items = [...rest.matchAll(/\[([^\]]+)\]\(([^)#]+)\.md\)/g)].map(
      ([, name, path]) => {
        const { pathname } = new URL(path!, "file:///docs/");
        const title = name!.replaceAll("`", "");
        return {
          text: title[0]!.toUpperCase() + title.slice(1),
          link: pathname.replace(/^\/README$/, "/"),
        };
      },
    );
    return { text, items };
  });
}
