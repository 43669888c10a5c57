// The schema as a plain tree, from which messages, the reference and config.toml are made.
import * as z from "zod";
import { type KeyNotes, NOTES } from "./field.ts";

/** A schema or one of its parts, as JSON Schema with our notes next to it. */
export interface SchemaNode extends Partial<KeyNotes> {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
}

/** Returns the tree of a zod schema. */
export function schemaNode(schema: z.ZodType): SchemaNode {
  return z.toJSONSchema(schema, { metadata: NOTES, io: "output" }) as SchemaNode;
}

/** Describes the allowed values in words: "a whole number, at least 0". */
export function allowedText(node: SchemaNode): string {
  const kind = node.allowed ?? kindText(node);
  return node.unit === undefined ? kind : `${kind} (${node.unit})`;
}

function kindText(node: SchemaNode): string {
  if (node.enum !== undefined) {
    const values = node.enum.map((value) => JSON.stringify(value));
    return values.length === 2 ? values.join(" or ") : `one of ${values.join(", ")}`;
  }
  switch (node.type) {
    case "boolean":
      return "true or false";
    case "integer":
      return `a whole number${boundsText(node)}`;
    case "number":
      return `a number${boundsText(node)}`;
    case "array":
      return node.items?.enum === undefined
        ? "a text or a list of texts"
        : `${kindText(node.items)}, or a list of them`;
    case "object":
      return "a table";
    default:
      return node.relativeTo === undefined ? "a text" : "a path";
  }
}

function boundsText({ minimum, maximum, exclusiveMinimum }: SchemaNode): string {
  const low = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const high = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  if (exclusiveMinimum !== undefined && high !== undefined) return ` greater than ${exclusiveMinimum}, at most ${high}`;
  if (exclusiveMinimum !== undefined) return ` greater than ${exclusiveMinimum}`;
  return low === undefined ? "" : `, at least ${low}`;
}
