// Looks up the mapped nodes on the server: which exist, what each one accepts, and why the others are not written.
import type {
  BrowsePath,
  BrowsePathResult,
  DataValue,
  NodeId,
  ReadValueIdOptions,
  WriteValue,
} from "node-opcua-client";
import type { BuiltInName } from "../../config/opcua-data-type-name.ts";
import { kindOf } from "../../config/opcua-value-name.ts";
import { isCastable } from "./data-type.ts";
import { statusNameIn } from "./failures.ts";
import { castType, type NodeType, NodeTypes } from "./node-type.ts";
import { remedyFor } from "./remedies.ts";
import type { PlantSession } from "./session.ts";
import type { Target } from "./target.ts";

/** Why a node is not written. */
export interface Refusal {
  readonly node: string;
  readonly value: string;
  readonly status: string;
  readonly cure: string;
  /** Only this value or this moment was the problem: the next frame is tried. */
  readonly passing?: boolean;
}

/** What is known about one node. */
export interface BoundNode {
  readonly target: Target;
  readonly nodeId: NodeId | undefined;
  /** The server's own type, in words. */
  readonly typeText: string;
  readonly type: BuiltInName;
  /** Whether it is written as an array, even of one element. */
  readonly asArray: boolean;
  /** Cleared permanently if the server refuses them all the same. */
  takesStatus: boolean;
  takesTime: boolean;
  refusal: Refusal | undefined;
  /** Capture time of the frame that was last offered and not postponed; µs since 1970. */
  offeredUs?: number;
  /** The value as it is sent, refilled for each frame; created by the writer. */
  slot?: WriteValue;
}

const ATTRIBUTES = {
  NodeClass: 2,
  DataType: 14,
  ValueRank: 15,
  ArrayDimensions: 16,
  AccessLevel: 17,
  UserAccessLevel: 18,
} as const;
const VARIABLE = 2;
/** A namespace index has 16 bits; a larger one cannot be encoded, and the whole request would fail. */
const MOST_NAMESPACE = 0xffff;
/** NodeIdType of string ids. */
const STRING_ID = 2;
const UNSUPPORTED = "BadServiceUnsupported";
/** Bits of AccessLevel and UserAccessLevel (part 3, 8.57). */
const ACCESS = { write: 1 << 1, statusWrite: 1 << 5, timestampWrite: 1 << 6 } as const;
const ANY_RANK = -2;
const SCALAR_OR_ARRAY = -3;
const ONE_OR_MORE_DIMENSIONS = 0;

/** Status of a target whose node another target already has. */
export const SAME_NODE = "BadEntryExists";

/** Whether frames are written to the node. */
export const isWritten = ({ refusal }: BoundNode): boolean => refusal === undefined || refusal.passing === true;

/** Looks up all targets. Throws errors of the session; problems of single nodes are in the table. */
export async function bindNodes(session: PlantSession, targets: readonly Target[]): Promise<BoundNode[]> {
  const ids = await findNodes(
    session,
    targets.map(({ address }) => address),
  );
  const found = ids.filter((id) => typeof id !== "string");
  const questions = found.flatMap((nodeId) =>
    Object.values(ATTRIBUTES).map((attributeId): ReadValueIdOptions => ({ nodeId, attributeId })),
  );
  const answers = await session.read(questions);
  const types = new NodeTypes(session);
  const perNode = Object.keys(ATTRIBUTES).length;
  let next = 0;
  // A path and a node id may name the same node.
  const owners = new Map<string, Target>();
  const bound: BoundNode[] = [];
  for (const [at, target] of targets.entries()) {
    const id = ids[at];
    if (id === undefined || typeof id === "string") {
      bound.push(unbound(target, id ?? "BadNodeIdUnknown"));
      continue;
    }
    const node = await bind(target, id, answers.slice(next, next + perNode), types);
    next += perNode;
    const owner = owners.get(id.toString());
    if (owner !== undefined) node.refusal = refusalOf(target, SAME_NODE, sameAs(owner));
    owners.set(id.toString(), owner ?? target);
    bound.push(node);
  }
  return bound;
}

const sameAs = ({ shown, value }: Target): string =>
  `it is the same node as ${shown}, which gets ${value}: remove one of them`;

/** Returns the node id of each address, or the status that says why there is none. */
export async function findNodes(
  session: PlantSession,
  addresses: readonly Target["address"][],
): Promise<(NodeId | string)[]> {
  const { library } = session;
  const ids: (NodeId | string)[] = addresses.map((address) =>
    "nodeId" in address ? parseNodeId(session, address.nodeId) : "BadNoMatch",
  );
  const paths = addresses.flatMap((address, at) => {
    if (!("browsePath" in address)) return [];
    try {
      const path = library.makeBrowsePath("i=84", address.browsePath);
      const names = path.relativePath.elements ?? [];
      if (names.every(({ targetName }) => targetName.namespaceIndex <= MOST_NAMESPACE)) return [{ at, path }];
      ids[at] = "BadBrowseNameInvalid";
      return [];
    } catch {
      // The library's message is about its parser; the node's own line names the path.
      ids[at] = "BadBrowseNameInvalid";
      return [];
    }
  });
  const translated = await translate(
    session,
    paths.map(({ path }) => path),
  );
  translated.forEach((result, i) => {
    const at = paths[i]?.at;
    if (at === undefined) return;
    if (typeof result === "string") {
      ids[at] = result;
      return;
    }
    const found = result.targets?.[0]?.targetId;
    ids[at] = found === undefined || result.statusCode.isBad() ? result.statusCode.name || "BadNoMatch" : found;
  });
  return ids;
}

/** Small servers do not support browse paths; nodes given by their ids are written all the same. */
async function translate(session: PlantSession, paths: readonly BrowsePath[]): Promise<(BrowsePathResult | string)[]> {
  try {
    return await session.translate(paths);
  } catch (error) {
    if (statusNameIn(error) !== UNSUPPORTED) throw error;
    return paths.map(() => UNSUPPORTED);
  }
}

/** Parses a node id; `nsu=URI;` is looked up in the server's namespaces, whose indices may change at a restart. */
function parseNodeId({ library, namespaces }: PlantSession, text: string): NodeId | string {
  const byUri = /^nsu=([^;]+);(.+)$/.exec(text);
  const index = byUri === null ? undefined : namespaces.indexOf(byUri[1] ?? "");
  if (index === -1) return "BadNodeIdUnknown";
  const plain = byUri === null ? text : `ns=${index};${byUri[2]}`;
  // The library accepts many other texts as node ids.
  const parts = /^(?:ns=(\d+);)?(i=\d+|s=.+|g=[0-9a-f-]{36}|b=.+)$/is.exec(plain);
  if (parts === null) return "BadNodeIdInvalid";
  const [, namespace = "0", identifier = ""] = parts;
  if (Number(namespace) > MOST_NAMESPACE) return "BadNodeIdInvalid";
  // A string id may look like anything, even like another node id, and must not be parsed as one.
  if (/^s=/i.test(identifier)) {
    return new library.NodeId(STRING_ID, identifier.slice(2), Number(namespace));
  }
  try {
    return library.coerceNodeId(plain);
  } catch {
    return "BadNodeIdInvalid";
  }
}

async function bind(
  target: Target,
  nodeId: NodeId,
  answers: readonly DataValue[],
  types: NodeTypes,
): Promise<BoundNode> {
  const [nodeClass, dataType, valueRank, dimensions, accessLevel, userAccessLevel] = answers;
  const classStatus = nodeClass?.statusCode;
  if (classStatus?.isBad()) return unbound(target, classStatus.name, nodeId);
  if (nodeClass?.value.value !== VARIABLE) return unbound(target, "BadNodeClassInvalid", nodeId);
  const typeId = dataType?.statusCode.isGood() === true ? (dataType.value.value as NodeId) : undefined;
  const type: NodeType = await types.of(typeId, nodeId);
  const typeText = type ?? (typeId === undefined ? "unreadable type" : await types.nameOf(typeId));
  const kind = kindOf(target.name);
  const cast = castType(type, kind, target.dataType);
  const rank = numberOf(valueRank) ?? ANY_RANK;
  const access = numberOf(accessLevel) ?? 0xff;
  const userAccess = numberOf(userAccessLevel) ?? access;
  const both = access & userAccess;
  const node = {
    target,
    nodeId,
    typeText: `${typeText}${rank >= ONE_OR_MORE_DIMENSIONS ? "[]" : ""}`,
    type: cast ?? "Double",
    asArray: target.isArray || rank >= ONE_OR_MORE_DIMENSIONS,
    takesStatus: (both & ACCESS.statusWrite) !== 0,
    takesTime: (both & ACCESS.timestampWrite) !== 0,
  };
  const refuse = (status: string, cure = remedyFor(status)): BoundNode => ({
    ...node,
    refusal: refusalOf(target, status, cure),
  });
  if (cast === undefined || !isCastable(kind, cast)) {
    return refuse(
      "BadTypeMismatch",
      `the node is a ${typeText}, and ${target.value} cannot be converted to it: choose another node or value`,
    );
  }
  if (rank > 1) return refuse("BadTypeMismatch", "the node is a matrix: choose a node with one value, or with a list");
  if (
    target.isArray &&
    rank !== ANY_RANK &&
    rank !== SCALAR_OR_ARRAY &&
    rank !== ONE_OR_MORE_DIMENSIONS &&
    rank !== 1
  ) {
    return refuse(
      "BadTypeMismatch",
      `the node has one value, not ${target.rois.length}: put {roi} into node_id, or name one ROI`,
    );
  }
  const most = mostElements(dimensions);
  if (target.isArray && target.rois.length > most) {
    return refuse("BadTypeMismatch", `the node has ${most} values, not ${target.rois.length}: make the array longer`);
  }
  if ((access & ACCESS.write) === 0) return refuse("BadNotWritable");
  if ((userAccess & ACCESS.write) === 0) return refuse("BadUserAccessDenied");
  return { ...node, refusal: undefined };
}

function numberOf(answer: DataValue | undefined): number | undefined {
  return answer?.statusCode.isGood() && typeof answer.value.value === "number" ? answer.value.value : undefined;
}

/** ArrayDimensions is the largest length of an array, 0 for any length (part 3, 5.6.2). */
function mostElements(dimensions: DataValue | undefined): number {
  const lengths: unknown = dimensions?.statusCode.isGood() ? dimensions.value.value : undefined;
  const [first] = Array.isArray(lengths) || lengths instanceof Uint32Array ? lengths : [];
  return typeof first === "number" && first > 0 ? first : Number.POSITIVE_INFINITY;
}

function unbound(target: Target, status: string, nodeId?: NodeId): BoundNode {
  return {
    target,
    nodeId,
    typeText: "",
    type: "Double",
    asArray: false,
    takesStatus: false,
    takesTime: false,
    refusal: refusalOf(target, status),
  };
}

export function refusalOf({ shown, value }: Target, status: string, cure = remedyFor(status)): Refusal {
  return { node: shown, value, status, cure };
}
