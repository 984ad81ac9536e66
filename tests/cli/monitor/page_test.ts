/** The status page: what is sent is what the sources make, its texts are right, and a browser shows it as a person needs it. */
import assert from "node:assert/strict";
import { adminResponse, startAdmin } from "../../../cli/monitor/admin.ts";
import { httpPort } from "../../../cli/monitor/http_port.ts";
import { Monitor } from "../../../cli/monitor/monitor.ts";
import { PAGE_CSS, PAGE_HTML, PAGE_JS } from "../../../cli/monitor/page/assets.ts";
import { assetsFile } from "../../../page/build.ts";
import { ageText, sizeText, stateText, targetText, userText } from "../../../page/text.ts";
import { listenTcp } from "../../../socks/shell/tcp.ts";
import { BrowserPage } from "../../support/browser_page.ts";
import { peerTest } from "../../support/peers.ts";
import { shownSnapshot } from "../../support/shown_snapshot.ts";

const ROOT = new URL("../../../", import.meta.url);
const TOKEN = "0123456789abcdef0123456789abcdef";
const SCREENS = [1280, 800, 420].flatMap((width) => [{ width, dark: false }, { width, dark: true }]);

Deno.test("status page: what is sent is what its sources and uPlot's package make", async () => {
  const file = await Deno.readTextFile(new URL("cli/monitor/page/assets.ts", ROOT));
  assert.ok(file === await assetsFile(), "run deno task page");
});

Deno.test("status page: asks nobody but the server that it is from, and names whose code is in it", async () => {
  for (const text of [PAGE_HTML, PAGE_CSS, PAGE_JS]) {
    const urls = [...text.matchAll(/(?:https?:)?\/\/[a-z][^\s"'`)]*/g)].map(([url]) => url);
    assert.deepEqual(urls.filter((url) => !/github\.com\/leeoniya\/uPlot|www\.w3\.org/.test(url)), []);
  }
  for (const text of [PAGE_CSS, PAGE_JS]) assert.match(text, /Copyright \(c\) \d+ Leon Sorokin[\s\S]*WITHOUT WARRANTY/);
  assert.doesNotMatch(PAGE_HTML, / style=| on\w+=|<script>/);
  const take = () => Promise.resolve(new Monitor().snapshot());
  const { headers } = await adminResponse(new Request("http://127.0.0.1/"), take);
  const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "frame-ancestors 'none'; form-action 'none'; base-uri 'none'";
  assert.equal(headers.get("content-security-policy"), policy);
});

Deno.test("status page: sizes, ages, states and places as text", () => {
  assert.deepEqual([0, 1023, 1536, 150 * 1024, 3 * 2 ** 50].map(sizeText), [
    "0 B",
    "1023 B",
    "1.5 KiB",
    "150 KiB",
    "3072 TiB",
  ]);
  assert.deepEqual([999, 60_000, 7_260_000, 400_000_000].map(ageText), ["0 s", "1 min", "2 h 1 min", "4 days"]);
  const snapshot = new Monitor().snapshot();
  const lost = { ...snapshot, degraded: true, draining: true, shared: { up: false, onLoss: "refuse" } as const };
  assert.equal(stateText(lost), "draining, shared store lost: clients are refused, degraded, up 0 s");
  assert.equal(userText({ user: "", account: "", sid: "" }), "(unauthenticated)");
  assert.equal(targetText({ target: "db.test:1", address: "192.0.2.1:1" }), "db.test:1 at 192.0.2.1:1");
  assert.equal(targetText({ target: "192.0.2.1:1", address: "192.0.2.1:1" }), "192.0.2.1:1");
});

/** The page as its sources make it now, with a server that is well used behind it. */
async function shownPage() {
  const { PAGE_HTML, PAGE_CSS, PAGE_JS } = await import(
    `data:text/typescript,${encodeURIComponent(await assetsFile())}`
  );
  const made: Record<string, string> = { "/": PAGE_HTML, "/page.css": PAGE_CSS, "/page.js": PAGE_JS };
  const ended: string[] = [];
  const ending = {
    tokens: [{ name: "carol", token: TOKEN }],
    end: (session: number, reason: string) => Promise.resolve(ended.push(`${session}: ${reason}`) > 0),
    note: () => {},
  };
  // One time for all: two pictures of it are the same.
  const take = () => Promise.resolve(shownSnapshot(Date.UTC(2026, 10, 26, 14, 30)));
  const port = httpPort(listenTcp({ hostname: "127.0.0.1", port: 0 }), {
    name: "Admin port",
    say: () => {},
    onFault: (error) => assert.fail(String(error)),
    answer: async (request, from) => {
      const response = await adminResponse(request, take, ending, from);
      const text = made[new URL(request.url).pathname];
      return text === undefined ? response : new Response(text, response);
    },
  });
  const page = await BrowserPage.open(`http://127.0.0.1:${port.addr.port}/`);
  await page.until("document.body?.dataset.drawn");
  return {
    page,
    ended,
    async [Symbol.asyncDispose](): Promise<void> {
      await page[Symbol.asyncDispose]();
      await port[Symbol.asyncDispose]();
    },
  };
}

const column = (id: string, i: number) =>
  `[...document.querySelectorAll("#${id} tbody tr")].map((tr) => tr.cells[${i}].children[0].textContent)`;
const type = (selector: string, text: string) =>
  `(() => { const i = document.querySelector("${selector}"); i.value = ${JSON.stringify(text)};
    i.dispatchEvent(new Event("input")); })()`;
const press = (id: string, i: number) => `document.querySelectorAll("#${id} th button")[${i}].click()`;

peerTest("status page: shows, sorts and filters in Chromium", ["chromium"], async () => {
  await using shown = await shownPage();
  const { page } = shown;
  const text = (selector: string) => page.evaluate<string>(`document.querySelector("${selector}").textContent`);
  assert.deepEqual([await text("#version"), await text("#listeners")], ["0.1.0", "0.0.0.0:1080, tls://0.0.0.0:1443"]);
  assert.equal(await text("#cards div:nth-child(2)"), "12,345Accepted");
  assert.match(await text("#sessions tbody tr"), /192\.0\.2\.7:40000.*rule 3 allow 10\.0\.0\.0\/8,realm=EXAMPLE\.COM/);
  assert.deepEqual(await page.evaluate(column("rules", 2)), ["0", "41", "1,204", "87", "9,310"]);
  // The chart tells the last values, or those under the pointer.
  const legend = async () => /^at(\d+:\d\d:\d\d)to clients(\S+ \S+\/s)/.exec(await text(".u-legend"))!.slice(1);
  const [last, rate] = await legend();
  assert.match(last!, /:30:00$/);
  assert.equal(rate, "67.3 KiB/s");
  const { x, y } = await page.evaluate<{ x: number; y: number }>(
    'document.querySelector(".u-over").getBoundingClientRect().toJSON()',
  );
  await page.point(x + 5, y + 20);
  await page.until(`!document.querySelector(".u-legend").textContent.includes(${JSON.stringify(last)})`);
  assert.match((await legend())[0]!, /:25:0\d$/);

  const sessions = () => page.evaluate<string[]>(column("sessions", 0));
  const given = ["10630", "10637", "10644", "10651", "10658", "10665"];
  assert.deepEqual(await sessions(), given);
  // Numbers begin with the greatest, a second press turns them round, a third gives back what the server said.
  await page.evaluate(press("sessions", 5));
  assert.deepEqual(await sessions(), given.toReversed());
  assert.equal(await page.evaluate('document.querySelectorAll("#sessions th")[5].ariaSort'), "descending");
  await page.evaluate(press("sessions", 5));
  assert.deepEqual(await sessions(), given);
  await page.evaluate(press("sessions", 1));
  assert.equal((await page.evaluate<string[]>(column("sessions", 1)))[0], "alice@EXAMPLE.COM");
  for (let i = 0; i < 2; i++) await page.evaluate(press("sessions", 1));
  assert.deepEqual(await sessions(), given);
  assert.equal(await page.evaluate('document.querySelectorAll("#sessions th")[1].ariaSort'), null);

  // A filter is for all tables, in any case, and finds second lines too.
  await page.evaluate(type("#filter", "192.0.2.12:"));
  assert.deepEqual(await sessions(), ["10665"]);
  await page.evaluate(type("#filter", " BOB@"));
  assert.deepEqual(await sessions(), ["10637", "10665"]);
  assert.deepEqual(await page.evaluate(column("users", 0)), ["bob@EXAMPLE.COM"]);
  assert.equal(await page.evaluate('document.querySelector("#rules table").hidden'), true);
  assert.equal(await page.evaluate('document.querySelector("#rules .empty").hidden'), false);
});

peerTest("status page: a session is ended by two presses of who has typed a token", ["chromium"], async () => {
  await using shown = await shownPage();
  const { page, ended } = shown;
  const visible = () => page.evaluate("document.querySelector('.end').checkVisibility()");
  assert.equal(await visible(), false);
  await page.evaluate(type("#ending input", TOKEN));
  assert.equal(await visible(), true);
  await page.evaluate("document.querySelectorAll('.end')[1].click()");
  assert.equal(await page.evaluate("document.querySelectorAll('.end')[1].textContent"), "Sure?");
  assert.deepEqual(ended, []);
  await page.evaluate("document.querySelectorAll('.end')[1].click()");
  await page.until("document.querySelector('#ending output').textContent !== ''");
  assert.deepEqual(ended, ["10637: Ended by carol at the admin port"]);
  assert.equal(
    await page.evaluate("document.querySelector('#ending output').textContent"),
    "Session 10637 was ended.\n",
  );
  await page.evaluate(type("#ending input", "wrong"));
  for (let i = 0; i < 2; i++) await page.evaluate("document.querySelectorAll('.end')[0].click()");
  await page.until("document.querySelector('#ending output').textContent === 'A token is wanted.\\n'");
  assert.equal(ended.length, 1);
});

peerTest("status page: fits three widths and both colour schemes", ["chromium"], async () => {
  await using shown = await shownPage();
  const { page } = shown;
  const folder = Deno.env.get("GSSOCKS_WRITE_SCREENSHOTS");
  for (const screen of SCREENS) {
    const { width, dark } = screen;
    await page.show(screen);
    await page.until(`innerWidth === ${width} && document.querySelector("#chart canvas").clientWidth < ${width}`);
    const what = `${width} px, ${dark ? "dark" : "light"}`;
    const [wide, background, line] = await page.evaluate<[number, string, string]>(
      `[document.documentElement.scrollWidth, getComputedStyle(document.body).colorScheme,
        getComputedStyle(document.documentElement).getPropertyValue("--received")]`,
    );
    assert.equal(wide, width, `nothing is beside a screen of ${what}`);
    assert.deepEqual([background, line], ["light dark", dark ? "#6cb2f5" : "#1a6fc2"], what);
    // No word of a table is broken into letters: a cell with a text has room for eight of them.
    const narrow = await page.evaluate<string[]>(
      `[...document.querySelectorAll("td")].filter((td) => td.checkVisibility() && td.textContent.length > 8 &&
        td.clientWidth < 50).map((td) => td.textContent)`,
    );
    assert.deepEqual(narrow, [], what);
    const columns = await page.evaluate<number>(
      `new Set([...document.querySelectorAll("#cards div")].map((card) => card.offsetLeft)).size`,
    );
    assert.equal(8 % columns, 0, `no card is alone at ${what}`);
    if (folder !== undefined) {
      await Deno.writeFile(`${folder}/status-${width}-${dark ? "dark" : "light"}.png`, await page.screenshot());
    }
  }
});

Deno.test("admin port: sends the page, its style and its script", async () => {
  await using port = startAdmin({ hostname: "127.0.0.1", port: 0 }, () => Promise.resolve(new Monitor().snapshot()), {
    say: () => {},
    onFault: () => {},
  });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port.addr.port}${path}`);
    return [response.headers.get("content-type"), await response.text()];
  };
  assert.deepEqual(await get("/"), ["text/html; charset=utf-8", PAGE_HTML]);
  assert.deepEqual(await get("/page.css"), ["text/css; charset=utf-8", PAGE_CSS]);
  assert.deepEqual(await get("/page.js"), ["text/javascript; charset=utf-8", PAGE_JS]);
});
