// Turns the validator's issues into lines for people: file, line, key, value, what is allowed, and the closest valid name.
import type * as z from "zod";
import { nearest } from "../failure/nearest.ts";
import { excerpt, quoted } from "../failure/quote.ts";
import { allowedText, type SchemaNode } from "./schema-tree.ts";
import type { Table } from "./toml-file.ts";

type Issue = z.core.$ZodIssue;
type Path = readonly PropertyKey[];

/** Source of the issues. */
export interface Context {
  /** The file's name as shown, or its replacement. */
  readonly shown: string;
  readonly table: Table;
  readonly lines: ReadonlyMap<string, number>;
  readonly root: SchemaNode;
}

/** Nobody would read more; the first problems often cause the others. */
const MOST_PROBLEMS = 20;

/** Returns one line per problem, in the order of the file as far as known, and the number of the others. */
export function problemLines(issues: readonly Issue[], context: Context): string[] {
  const found = new Map<string, { line: number | undefined; text: string }>();
  // The text is made once per name: a user-defined table may have a problem in each of its entries.
  const add = (name: string, textOf: () => string): void => {
    if (!found.has(name)) found.set(name, { line: lineOf(name, context.lines), text: textOf() });
  };
  const count = issues.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 1), 0);
  for (const issue of issues) {
    if (found.size > MOST_PROBLEMS) break;
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys.slice(0, MOST_PROBLEMS))
        add(pathText([...issue.path, key]), () => unknownText(issue.path, key, context));
      continue;
    }
    const path = documentedPath(issue.path, context.root);
    add(pathText(path), () => wrongText(path, issue, context));
  }
  const inOrder = [...found.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  const lines = inOrder.slice(0, MOST_PROBLEMS);
  return [
    ...lines.map(({ line, text }) => `${context.shown}${line === undefined ? "" : `:${line}`}: ${text}`),
    ...(count > MOST_PROBLEMS ? [`${context.shown}: ${count - lines.length} more problems`] : []),
  ];
}

function wrongText(path: Path, issue: Issue, { table, root }: Context): string {
  const name = pathText(path);
  const value = path.reduce<unknown>((at, step) => (at as Table | undefined)?.[String(step)], table);
  const node = nodeAt(root, path);
  if (path.length === 1 && node.properties !== undefined) {
    return `${name} = ${quoted(value)}: must be a section, written [${name}]`;
  }
  if (issue.code === "custom") return `${name} = ${quoted(value)}: ${issue.message}`;
  const must = `must be ${allowedText(node)}`;
  if (value === undefined) return `${name} is missing: ${must}`;
  const names = (node.enum ?? node.items?.enum ?? []).filter((entry) => typeof entry === "string");
  const known = new Set(names.map((entry) => entry.toLowerCase()));
  const given = [value].flat().find((entry) => typeof entry === "string" && !known.has(entry.toLowerCase()));
  const near = typeof given === "string" ? nearest(given, names) : undefined;
  return `${name} = ${quoted(value)}: ${must}${near === undefined ? "" : `; did you mean "${near}"?`}`;
}

function unknownText(path: Path, key: string, { table, root }: Context): string {
  const here = nodeAt(root, path).properties ?? {};
  const owner = path.reduce<unknown>((at, step) => (at as Table | undefined)?.[String(step)], table);
  const value = (owner as Table | undefined)?.[key];
  const elsewhere = Object.entries(root.properties ?? {}).find(([, node]) => Object.hasOwn(node.properties ?? {}, key));
  const name = pathText([...path, key]);
  const isSection = path.length === 0 && typeof value === "object";
  const what = isSection ? `[${name}]: unknown section` : `${name} = ${quoted(value)}: unknown setting`;
  if (!isSection && elsewhere !== undefined) return `${what} here; it belongs in section [${elsewhere[0]}]`;
  const near = nearest(key, Object.keys(here));
  if (near !== undefined)
    return `${what}; did you mean ${here[near]?.properties === undefined ? `"${near}"` : `[${near}]`}?`;
  return `${what}; there are ${Object.keys(here).join(", ")}`;
}

/** Returns the longest beginning of `path` that the reference documents: an entry of a list is part of its key. */
function documentedPath(path: Path, root: SchemaNode): Path {
  for (let length = path.length; length > 1; length--) {
    if (nodeAt(root, path.slice(0, length)).doc !== undefined) return path.slice(0, length);
  }
  return path.slice(0, 1);
}

function nodeAt(root: SchemaNode, path: Path): SchemaNode {
  let node = root;
  for (const step of path) {
    const name = String(step);
    const properties = node.properties ?? {};
    node =
      (typeof step === "number" ? node.items : Object.hasOwn(properties, name) ? properties[name] : undefined) ?? {};
  }
  return node;
}

function pathText(path: Path): string {
  return path
    .map((step, at) => (typeof step === "number" ? `[${step}]` : `${at === 0 ? "" : "."}${excerpt(String(step))}`))
    .join("");
}

/** Returns the line of a key, otherwise of the section it belongs to. */
function lineOf(name: string, lines: ReadonlyMap<string, number>): number | undefined {
  for (let at = name; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(".")))) {
    const line = lines.get(at);
    if (line !== undefined) return line;
  }
  return undefined;
}
