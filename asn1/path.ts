/**
 * The field that is being read or written, for errors.
 *
 * @module
 */
import { Asn1Error } from "./errors.ts";

/** The way from a message to one of its fields. Its text is only made for an error. */
export class FieldPath {
  readonly #name: string;
  readonly #steps: (string | number)[] = [];

  /**
   * Creates the path of a message itself.
   *
   * @param name Name of the message.
   */
  constructor(name: string) {
    this.#name = name;
  }

  /** Goes to a field by its name, or to an element of a list by its number. */
  enter(step: string | number): void {
    this.#steps.push(step);
  }

  /** Goes back. An error ends the work, so it need not be called then. */
  leave(): void {
    this.#steps.pop();
  }

  /** Such as `AP-REQ.ticket.sname.name-string[0]`. */
  toString(): string {
    return this.#name + this.#steps.map((step) => typeof step === "number" ? `[${step}]` : `.${step}`).join("");
  }

  /** Returns the error of this field. */
  error(problem: string, options?: ErrorOptions): Asn1Error {
    return new Asn1Error(this.toString(), problem, options);
  }
}
