/**
 * A page in headless Chromium, driven by its DevTools protocol: what a person does on the status page, and how it looks.
 *
 * @module
 */
import { decodeBase64 } from "@std/encoding/base64";
import { peer } from "./peers.ts";
import { Daemon } from "./process.ts";

/** How a screen is. */
export interface Screen {
  readonly width: number;
  readonly dark?: boolean;
}

/** A page in a browser of its own. */
export class BrowserPage implements AsyncDisposable {
  readonly #browser: Daemon;
  readonly #socket: WebSocket;
  readonly #folder: string;
  readonly #waiting = new Map<number, PromiseWithResolvers<Record<string, unknown>>>();
  #session = "";
  #calls = 0;

  private constructor(browser: Daemon, socket: WebSocket, folder: string) {
    [this.#browser, this.#socket, this.#folder] = [browser, socket, folder];
    socket.onmessage = ({ data }) => {
      const { id, result, error } = JSON.parse(data);
      const call = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) call?.resolve(result);
      else call?.reject(new Error(error.message));
    };
  }

  /** Opens a page. */
  static async open(url: string): Promise<BrowserPage> {
    const folder = await Deno.makeTempDir({ prefix: "gssocks-chromium-" });
    const browser = new Daemon(peer("chromium"), [
      ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
      ...["--disable-component-update", "--disable-sync", "--hide-scrollbars", "--disable-dev-shm-usage"],
      ...["--remote-debugging-port=0", `--user-data-dir=${folder}/profile`, "about:blank"],
    ], { env: { HOME: folder }, group: true });
    const [, address] = await browser.waitFor(/DevTools listening on (ws:\S+)/);
    const socket = new WebSocket(address!);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const page = new BrowserPage(browser, socket, folder);
    const { targetId } = await page.#call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await page.#call("Target.attachToTarget", { targetId, flatten: true });
    page.#session = sessionId as string;
    await page.#call("Page.navigate", { url });
    return page;
  }

  async #call(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = ++this.#calls;
    const call = Promise.withResolvers<Record<string, unknown>>();
    this.#waiting.set(id, call);
    const session = this.#session === "" ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    return await call.promise;
  }

  /** Returns the value of an expression, which may be a promise. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#call("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
    return (result as { value: T }).value;
  }

  /** Waits until an expression is true; asked again whenever the browser has drawn. */
  async until(expression: string): Promise<void> {
    while (!await this.evaluate<boolean>(`new Promise(requestAnimationFrame).then(() => !!(${expression}))`));
  }

  /** Moves the pointer. */
  async point(x: number, y: number): Promise<void> {
    await this.#call("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
  }

  /** Shows the page on another screen. */
  async show({ width, dark = false }: Screen, height: number = 800): Promise<void> {
    await this.#call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
    const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
    await this.#call("Emulation.setEmulatedMedia", { features });
  }

  /** A picture of the page from top to bottom, in PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.#call("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
    return decodeBase64(data as string);
  }

  /** Ends the browser. */
  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#socket.close();
    await closed;
    await this.#browser[Symbol.asyncDispose]();
    await Deno.remove(this.#folder, { recursive: true });
  }
}
