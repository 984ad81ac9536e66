// Configuration of VitePress. The menu comes from docs/index.md (build.ts).
import { readFileSync } from "node:fs";

const { base, sidebar } = JSON.parse(
  readFileSync(new URL("./settings.json", import.meta.url), "utf8"),
);

export default {
  srcDir: "pages",
  outDir: "built",
  base,
  lang: "en",
  title: "gssocks",
  description: "SOCKS5 with Kerberos, in TypeScript for Deno",
  // No page asks another host for anything.
  head: [["meta", { name: "referrer", content: "no-referrer" }]],
  // Addresses in examples are no links.
  markdown: { anchor: { slugify }, linkify: false },
  themeConfig: {
    search: { provider: "local" },
    nav: [
      {
        text: "Tutorials",
        items: [
          { text: "Library", link: "/docs/tutorials/library" },
          { text: "Administrator", link: "/docs/tutorials/administrator" },
          { text: "Desktop", link: "/docs/tutorials/desktop" },
          { text: "Edge", link: "/docs/tutorials/edge" },
        ],
      },
      { text: "Troubleshooting", link: "/docs/howto/troubleshooting" },
      { text: "API", link: "/api/index.html", target: "_self" },
    ],
    sidebar,
    outline: [2, 3],
  },
};

/** Anchors as GitHub and JSR make them, so that a link holds in all three places. */
function slugify(heading) {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim()
    .replaceAll(" ", "-");
}
