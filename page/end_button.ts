/**
 * Buttons that end sessions, for who types a token. It stays in the page's memory.
 *
 * @module
 */
/// <reference lib="dom" />
import { element } from "./table.ts";

/** Time in which a second press means it, in milliseconds. */
const MEANT = 4_000;

/** The form with the token, which is hidden where the server ends no sessions. */
export class Ending {
  readonly #form: HTMLElement;
  readonly #token: HTMLInputElement;
  readonly #answer: HTMLElement;

  /** Takes over the elements of the page. */
  constructor() {
    this.#form = document.getElementById("ending")!;
    this.#token = this.#form.querySelector("input")!;
    this.#answer = this.#form.querySelector("output")!;
    this.#token.addEventListener("input", () => this.#show());
    this.#form.addEventListener("submit", (event) => event.preventDefault());
  }

  /** Shows or hides everything that ends sessions. */
  offer(offered: boolean): void {
    this.#form.hidden = !offered;
    this.#show();
  }

  #show(): void {
    document.body.classList.toggle("may-end", !this.#form.hidden && this.#token.value !== "");
  }

  /** A button that ends a session when it is pressed twice. */
  button(session: string): HTMLButtonElement {
    const button = element("button", "End", "end");
    button.title = `End session ${session}`;
    let armed: ReturnType<typeof setTimeout> | undefined;
    const disarm = () => {
      clearTimeout(armed);
      armed = undefined;
      button.textContent = "End";
    };
    button.addEventListener("click", () => {
      if (armed === undefined) {
        button.textContent = "Sure?";
        armed = setTimeout(disarm, MEANT);
        return;
      }
      disarm();
      void this.#end(session);
    });
    return button;
  }

  async #end(session: string): Promise<void> {
    try {
      const headers = { authorization: `Bearer ${this.#token.value}` };
      const response = await fetch(`/sessions/${session}/end`, { method: "POST", headers });
      this.#answer.textContent = await response.text();
    } catch {
      this.#answer.textContent = "The server does not answer.";
    }
  }
}
