/**
 * Tables whose rows are made anew every second without losing what a person does to them: order, filter, and a button that is being
 * pressed. Everything that a client could have chosen is put in as text, never as markup.
 *
 * @module
 */
/// <reference lib="dom" />

/** A cell: its text, a second line where it has one, and by what it is sorted where that is not its text. */
export interface Cell {
  readonly text: string;
  readonly below?: string | undefined;
  readonly value?: number | undefined;
}

/** A row; one with the same key is the same row. */
export interface Row {
  readonly key: string;
  readonly cells: readonly Cell[];
}

/** A column. */
export interface Column {
  readonly name: string;
  /** What is in it: numbers stand at the right, the greatest of them first; a word stays on one line. @default {text of any length} */
  readonly kind?: "number" | "word";
}

/** A cell with a number. */
export function numberCell(value: number, text: string = value.toLocaleString("en")): Cell {
  return { text, value };
}

/** A table of the page. */
export class Table {
  readonly #table: HTMLTableElement;
  readonly #empty: HTMLElement;
  readonly #columns: readonly Column[];
  readonly #lastCell: ((key: string) => HTMLElement) | undefined;
  readonly #shown = new Map<string, HTMLTableRowElement>();
  #rows: readonly Row[] = [];
  #filter = "";
  #sorted: { readonly column: number; readonly down: boolean } | undefined;

  /**
   * Takes over an element.
   *
   * @param id Id of a `section` with a `table` and a `p`, which is shown where there is no row.
   * @param narrow Width of the page up to which each row is a block, in which each cell says what it is.
   * @param lastCell Makes what stands at the end of each row.
   */
  constructor(
    id: string,
    columns: readonly Column[],
    { narrow = 640, lastCell }: { readonly narrow?: number; readonly lastCell?: (key: string) => HTMLElement } = {},
  ) {
    const section = document.getElementById(id)!;
    this.#table = section.querySelector("table")!;
    this.#empty = section.querySelector("p.empty")!;
    this.#columns = columns;
    this.#lastCell = lastCell;
    const head = this.#table.createTHead().insertRow();
    columns.forEach(({ name, kind }, i) => {
      const button = element("button", name);
      button.addEventListener("click", () => this.#sortBy(i));
      const th = element("th", "", kind);
      th.append(button);
      head.append(th);
    });
    if (lastCell !== undefined) head.append(element("th", "", "last"));
    this.#table.createTBody();
    const width = matchMedia(`(max-width: ${narrow}px)`);
    const arrange = () => this.#table.classList.toggle("blocks", width.matches);
    width.addEventListener("change", arrange);
    arrange();
  }

  #sortBy(column: number): void {
    const first = this.#columns[column]!.kind === "number";
    const { column: before, down } = this.#sorted ?? {};
    // A third press gives back the order that the server has them in.
    if (before !== column) this.#sorted = { column, down: first };
    else this.#sorted = down === first ? { column, down: !first } : undefined;
    [...this.#table.tHead!.rows[0]!.cells].forEach((th, i) => {
      if (i === this.#sorted?.column) th.ariaSort = this.#sorted.down ? "descending" : "ascending";
      else th.ariaSort = null;
    });
    this.#draw();
  }

  /** Shows rows that have a text in one of their cells only, in any case. */
  filter(text: string): void {
    this.#filter = text.trim().toLowerCase();
    this.#draw();
  }

  /** Takes the rows of now. */
  fill(rows: readonly Row[]): void {
    this.#rows = rows;
    this.#draw();
  }

  #draw(): void {
    const rows = this.#ordered(this.#rows.filter((row) => matches(row, this.#filter)));
    const keys = new Set(rows.map(({ key }) => key));
    for (const [key, row] of this.#shown) {
      if (keys.has(key)) continue;
      row.remove();
      this.#shown.delete(key);
    }
    const body = this.#table.tBodies[0]!;
    rows.forEach((row, i) => {
      const shown = this.#rowFor(row);
      row.cells.forEach((cell, j) => setCell(shown.cells[j]!, cell));
      // What stands in its place is not moved: a button that is being pressed would be let go.
      if (body.rows[i] !== shown) body.insertBefore(shown, body.rows[i] ?? null);
    });
    this.#table.hidden = rows.length === 0;
    this.#empty.hidden = rows.length > 0;
  }

  #ordered(rows: readonly Row[]): readonly Row[] {
    if (this.#sorted === undefined) return rows;
    const { column, down } = this.#sorted;
    return rows.toSorted((a, b) => (down ? -1 : 1) * compare(a.cells[column]!, b.cells[column]!));
  }

  #rowFor({ key, cells }: Row): HTMLTableRowElement {
    const known = this.#shown.get(key);
    if (known !== undefined) return known;
    const row = document.createElement("tr");
    cells.forEach((_, i) => {
      const { name, kind } = this.#columns[i]!;
      const cell = element("td", "", kind);
      cell.dataset["name"] = name;
      cell.append(element("span", ""), element("small", ""));
      row.append(cell);
    });
    if (this.#lastCell !== undefined) {
      const cell = element("td", "", "last");
      cell.append(this.#lastCell(key));
      row.append(cell);
    }
    this.#shown.set(key, row);
    return row;
  }
}

/** Makes an element with a text. */
export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  text: string,
  kind: string = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind !== "") made.className = kind;
  return made;
}

function setCell(cell: HTMLTableCellElement, { text, below = "" }: Cell): void {
  const [first, second] = cell.children;
  if (first!.textContent !== text) first!.textContent = text;
  if (second!.textContent !== below) second!.textContent = below;
}

function matches({ cells }: Row, filter: string): boolean {
  return filter === "" || cells.some(({ text, below = "" }) => `${text}\n${below}`.toLowerCase().includes(filter));
}

function compare(a: Cell, b: Cell): number {
  if (a.value !== undefined && b.value !== undefined) return a.value - b.value;
  return a.text.localeCompare(b.text, "en", { numeric: true });
}
