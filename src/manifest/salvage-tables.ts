// Assigns the pages of a damaged file to tables. A table's tree is followed from its root as far as it can be read; pages below
// an unreadable part are recognised by their rows.
import { fits, type TableForm } from "./salvage-forms.ts";
import type { PageFile } from "./salvage-pages.ts";
import { bTreePage, type Row, rowOf } from "./salvage-records.ts";

/** A range of row ids that cannot be reached: above `after`, up to `upTo`. */
interface Gap {
  readonly after: number;
  readonly upTo: number;
}

export interface TablePages {
  readonly form: TableForm;
  /** In order of keys, then the pages recognised by their rows. */
  readonly pages: readonly number[];
  /** Number of pages of the tree that cannot be read. */
  readonly unreadable: number;
  readonly gaps: readonly Gap[];
}

export interface Survey {
  readonly tables: readonly TablePages[];
  /** Root page of each index, by name. */
  readonly roots: ReadonlyMap<string, number>;
  /** Names of indexes that cannot be read completely. */
  readonly indexes: readonly string[];
}

interface Walk {
  readonly pages: number[];
  readonly unreadable: number[];
  readonly gaps: Gap[];
}

interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly root: number;
}

const DEEPEST = 40;

/** Finds the pages of all tables in `forms`. */
export function survey(file: PageFile, forms: readonly TableForm[]): Survey {
  const owned = new Set<number>([1]);
  const schema = readSchema(file, owned);
  for (const page of freePages(file)) owned.add(page);
  const indexes: string[] = [];
  for (const { name, root } of schema.filter(({ type }) => type === "index")) {
    const walk = follow(file, root, true, owned);
    const whole = walk.unreadable.length === 0 && walk.pages.every((page) => isWhole(file, page, owned));
    if (!whole) indexes.push(name);
  }
  const walked = forms.map((form) => {
    const known = schema.find(({ type, name }) => type === "table" && name === form.name)?.root;
    const root = known ?? (looksLike(file, form.usualRoot, form) ? form.usualRoot : undefined);
    const nothing: Walk = { pages: [], unreadable: [0], gaps: [{ after: 0, upTo: Number.POSITIVE_INFINITY }] };
    const walk = root === undefined ? nothing : follow(file, root, form.withoutRowid, owned);
    // The overflow pages of its rows belong to no other table. Rows of numbers never overflow.
    if (form.columns.some(({ type }) => type !== "INTEGER" && type !== "REAL")) {
      for (const page of walk.pages) isWhole(file, page, owned);
    }
    return { form, ...walk };
  });
  const found = findLost(
    file,
    walked.flatMap((walk) => incomplete(file, walk)),
    owned,
  );
  const tables = walked.map(({ form, pages, unreadable, gaps }) => ({
    form,
    pages: [...pages, ...(found.get(form) ?? [])],
    unreadable: unreadable.length,
    gaps,
  }));
  const roots = new Map(schema.flatMap(({ type, name, root }) => (type === "index" ? [[name, root] as const] : [])));
  return { tables, roots, indexes };
}

/**
 * Returns the tables that may have pages elsewhere, and the row ids that these can have. A table that seems empty may have lost
 * its root.
 */
function incomplete<T extends Walk>(file: PageFile, walk: T): T[] {
  const isEmpty = walk.pages.every((page) => bTreePage(file, page)?.cells.length === 0);
  if (isEmpty) return [{ ...walk, gaps: [{ after: 0, upTo: Number.POSITIVE_INFINITY }] }];
  return walk.unreadable.length > 0 ? [walk] : [];
}

/** Returns the pages of the index with root page `root`, as far as they can be read. */
export function treePages(file: PageFile, root: number): number[] {
  return follow(file, root, true, new Set()).pages;
}

/** Yields the rows of a page, undefined for each damaged cell; adds their overflow pages to `owned`. */
export function* rowsOf(file: PageFile, number: number, owned?: Set<number>): Generator<Row | undefined> {
  const page = bTreePage(file, number);
  if (page === undefined || (!page.index && !page.leaf)) return;
  for (const cell of page.cells) yield rowOf(file, number, page, cell, (used) => owned?.add(used));
}

function isWhole(file: PageFile, number: number, owned: Set<number>): boolean {
  let whole = true;
  for (const row of rowsOf(file, number, owned)) whole &&= row !== undefined;
  return whole;
}

function readSchema(file: PageFile, owned: Set<number>): SchemaRow[] {
  const { pages } = follow(file, 1, false, owned);
  return pages.flatMap((page) =>
    [...rowsOf(file, page, owned)].flatMap((row) => {
      const [type, name, , root, sql] = row?.values ?? [];
      const isRow = typeof type === "string" && typeof name === "string" && typeof root === "number" && root > 1;
      return isRow && (typeof sql === "string" || sql === null) ? [{ type, name, root }] : [];
    }),
  );
}

/** Follows a tree from its root. A page that already belongs to another tree is damage. */
function follow(file: PageFile, root: number, index: boolean, owned: Set<number>): Walk {
  const walk: Walk = { pages: [], unreadable: [], gaps: [] };
  const visit = (number: number, gap: Gap, depth: number): void => {
    const page = bTreePage(file, number);
    const isOther = number !== 1 && owned.has(number);
    // SQLite keeps no empty leaf except a root.
    const isEmptied = depth > 0 && page?.leaf === true && page.cells.length === 0;
    if (page === undefined || page.index !== index || isOther || isEmptied || depth > DEEPEST) {
      walk.unreadable.push(number);
      walk.gaps.push(gap);
      return;
    }
    owned.add(number);
    if (page.leaf || page.index) walk.pages.push(number);
    let { after } = gap;
    for (const child of page.children) {
      const upTo = child.upTo ?? gap.upTo;
      visit(child.page, { after, upTo }, depth + 1);
      after = upTo;
    }
  };
  visit(root, { after: Number.NEGATIVE_INFINITY, upTo: Number.POSITIVE_INFINITY }, 0);
  return walk;
}

/** Returns the pages of the free list; their content is out of date. */
function freePages(file: PageFile): Set<number> {
  const free = new Set<number>();
  if (!file.hasHeader) return free;
  let trunk = file.page(1)?.readUInt32BE(32) ?? 0;
  for (let page = file.page(trunk); page !== undefined && !free.has(trunk); page = file.page(trunk)) {
    free.add(trunk);
    const count = page.readUInt32BE(4);
    if (count > file.usableBytes / 4 - 2) break;
    for (let i = 0; i < count; i += 1) free.add(page.readUInt32BE(8 + 4 * i));
    trunk = page.readUInt32BE(0);
  }
  return free;
}

/** Whether the page can belong to this table: it has the right kind, and most of its rows (if any) fit the table. */
function looksLike(file: PageFile, number: number, form: TableForm): boolean {
  const page = bTreePage(file, number);
  if (page === undefined || page.index !== form.withoutRowid) return false;
  if (!page.leaf && !page.index) return true;
  const { rows, fitting } = likeness(file, number, form);
  return 2 * fitting >= rows;
}

function likeness(file: PageFile, number: number, form: TableForm): { rows: number; fitting: number; ids: number[] } {
  let rows = 0;
  const ids: number[] = [];
  for (const row of rowsOf(file, number)) {
    rows += 1;
    if (row !== undefined && fits(form, row.values)) ids.push(row.rowid);
  }
  return { rows, fitting: ids.length, ids };
}

/** Assigns pages that belong to no tree to the damaged table that their rows fit. */
function findLost(
  file: PageFile,
  damaged: readonly { readonly form: TableForm; readonly gaps: readonly Gap[] }[],
  owned: ReadonlySet<number>,
): Map<TableForm, number[]> {
  const found = new Map<TableForm, number[]>();
  if (damaged.length === 0) return found;
  for (let number = 2; number <= file.pages; number += 1) {
    if (owned.has(number)) continue;
    const page = bTreePage(file, number);
    if (page === undefined || page.cells.length === 0 || (!page.leaf && !page.index)) continue;
    const [best] = damaged
      .filter(({ form }) => form.withoutRowid === page.index)
      .map(({ form, gaps }) => ({ form, gaps, ...likeness(file, number, form) }))
      .filter(({ rows, fitting, gaps, form, ids }) => {
        // A page whose row ids exist elsewhere is an outdated one.
        const isMissing =
          form.withoutRowid || ids.every((id) => gaps.some(({ after, upTo }) => id > after && id <= upTo));
        return fitting > 0 && 2 * fitting >= rows && isMissing;
      })
      .sort((a, b) => b.fitting - a.fitting);
    if (best !== undefined) found.set(best.form, [...(found.get(best.form) ?? []), number]);
  }
  return found;
}
