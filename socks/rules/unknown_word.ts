/**
 * Words of a rule that there are not.
 *
 * @module
 */

/** Thrown for a word that rules do not have. Whoever shows it can add the word that was probably meant. */
export class UnknownWordError extends TypeError {
  /** The word. */
  readonly word: string;
  /** The words that there are in its place. */
  readonly known: readonly string[];

  /**
   * Creates an error.
   *
   * @param message Message.
   * @param about The word, and those that there are.
   */
  constructor(message: string, { word, known }: { readonly word: string; readonly known: readonly string[] }) {
    super(message);
    this.word = word;
    this.known = known;
  }
}
