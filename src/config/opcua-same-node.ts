// Finds nodes that the configuration maps twice: with every frame, the second value would overwrite the first.
import { labelMatcher } from "../measurement/labels.ts";

interface Entry {
  readonly node_id?: string | undefined;
  readonly browse_path?: string | undefined;
  readonly roi: string;
  readonly value: string;
}

const ROI = "{roi}";

/**
 * Returns a normalised address: `i=85`, `ns=0;i=85` and `NS=00;i=085` are the same node, and so are `/Objects` and `/0:Objects`.
 */
export function addressKey({ node_id, browse_path }: Pick<Entry, "node_id" | "browse_path">): string {
  if (node_id === undefined) return `path ${(browse_path ?? "").replaceAll(/(?<=^|[/.])0+:/g, "")}`;
  const [, space = "0", kind, identifier] = /^(?:ns=0*(\d+);|(?=[isgb]=))([isgb])=(.*)$/is.exec(node_id) ?? [];
  if (kind === undefined || identifier === undefined) return `id ${node_id}`;
  const known = { i: identifier.replace(/^0+(?=\d)/, ""), g: identifier.toLowerCase() }[kind.toLowerCase()];
  return `id ${space};${kind.toLowerCase()}=${known ?? identifier}`;
}

/** An entry that maps the same node as an earlier entry. */
interface MappedTwice {
  /** Index of the entry, and which of its keys names the node. */
  readonly at: number;
  readonly key: "node_id" | "browse_path";
  /** Message that follows the key and its value. */
  readonly text: string;
}

/** Returns the entries that map the same node as an earlier entry whatever the labels of the ROIs are. */
export function nodesMappedTwice(entries: readonly Entry[]): MappedTwice[] {
  const byAddress = new Map<string, { readonly at: number; readonly entry: Entry }[]>();
  return entries.flatMap((entry, at) => {
    const address = addressKey(entry);
    const before = byAddress.get(address) ?? [];
    byAddress.set(address, [...before, { at, entry }]);
    const other = before.find((one) => haveOneNode(one.entry, entry));
    if (other === undefined) return [];
    const key = entry.node_id === undefined ? "browse_path" : "node_id";
    const text = `is the same node as OPC_UA.nodes[${other.at}], which gets ${other.entry.value}; remove one of them`;
    return [{ at, key, text }];
  });
}

/**
 * Whether two entries with the same address map one node: with a node per ROI, they do if one pattern covers all labels of the
 * other.
 */
function haveOneNode(one: Entry, other: Entry): boolean {
  if (!(one.node_id ?? one.browse_path ?? "").includes(ROI)) return true;
  // Here a star in a label means any letters, so only another star matches it.
  return labelMatcher([one.roi])(other.roi) || labelMatcher([other.roi])(one.roi);
}
