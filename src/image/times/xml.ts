// Reads start tags with attributes, end tags and text of an XML document. Document types are refused, so there are no custom
// entities, and a small file cannot expand to a large one. Does not validate the document.
import { Failure } from "../../failure/failure.ts";

/** A start tag, the end of an element, or text between them. */
export type XmlPart =
  | { readonly kind: "start"; readonly name: string; readonly attributes: ReadonlyMap<string, string> }
  | { readonly kind: "end"; readonly name: string }
  | { readonly kind: "text"; readonly text: string };

const ATTRIBUTE = /([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };
const ENTITY = /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(lt|gt|amp|quot|apos));/gi;

/**
 * Returns the parts of a document in order; names have no prefixes. Ends without an error if the text is cut off. Throws
 * Failure `frame.unreadable` for a document with a document type.
 */
export function* xmlParts(text: string): Generator<XmlPart> {
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf("<", at);
    const before = text.slice(at, open < 0 ? text.length : open);
    if (before.trim() !== "") yield { kind: "text", text: decoded(before.trim()) };
    if (open < 0) return;
    const skipped = skipTo(text, open);
    if (skipped !== undefined) {
      at = skipped;
      continue;
    }
    const close = endOfTag(text, open);
    if (close < 0) return;
    yield* tag(text.slice(open + 1, close));
    at = close + 1;
  }
}

/** Returns the end of a comment, an instruction or a CDATA block; undefined for a tag. */
function skipTo(text: string, open: number): number | undefined {
  for (const [start, end] of [
    ["<!--", "-->"],
    ["<?", "?>"],
    ["<![CDATA[", "]]>"],
  ] as const) {
    if (!text.startsWith(start, open)) continue;
    const close = text.indexOf(end, open + start.length);
    return close < 0 ? text.length : close + end.length;
  }
  if (!text.startsWith("<!", open)) return undefined;
  throw new Failure("frame.unreadable", "the XML metadata have a document type, which phorest does not read");
}

/** Returns the end of a tag, which may contain ">" in quoted values. */
function endOfTag(text: string, open: number): number {
  let quote = "";
  for (let at = open + 1; at < text.length; at++) {
    const letter = text[at] as string;
    if (quote !== "") quote = letter === quote ? "" : quote;
    else if (letter === '"' || letter === "'") quote = letter;
    else if (letter === ">") return at;
  }
  return -1;
}

function* tag(inside: string): Generator<XmlPart> {
  if (inside.startsWith("/")) {
    yield { kind: "end", name: local(inside.slice(1).trim()) };
    return;
  }
  const isEmpty = inside.endsWith("/");
  const body = isEmpty ? inside.slice(0, -1) : inside;
  const name = local(/^[^\s/>]+/.exec(body)?.[0] ?? "");
  const attributes = new Map<string, string>();
  for (const [, key = "", double, single] of body.matchAll(ATTRIBUTE))
    attributes.set(local(key), decoded(double ?? single ?? ""));
  yield { kind: "start", name, attributes };
  if (isEmpty) yield { kind: "end", name };
}

const local = (name: string): string => name.slice(name.indexOf(":") + 1);

function decoded(text: string): string {
  return text.replace(ENTITY, (_whole, hex?: string, decimal?: string, named?: string) => {
    if (named !== undefined) return ENTITIES[named.toLowerCase()] ?? "";
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
  });
}
