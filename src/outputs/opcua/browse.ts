// Lists the nodes of a server, for `phorest opcua browse`. Writes nothing.
import type { DataValue, NodeId } from "node-opcua-client";
import { Failure } from "../../failure/failure.ts";
import { findNodes } from "./node-table.ts";
import { NodeTypes } from "./node-type.ts";
import { remedyFor } from "./remedies.ts";
import type { PlantSession } from "./session.ts";

/** A node below another one. */
export interface Browsed {
  readonly depth: number;
  readonly nodeId: string;
  readonly browseName: string;
  readonly nodeClass: string;
  /** For a variable: the name of its data type, followed by `[]` for an array. */
  readonly dataType?: string;
  /** For a variable: what this user may do with its value. */
  readonly access?: "read and write" | "read" | "write" | "none";
}

const ROOT = "i=84";
const FORWARD_HIERARCHICAL = "i=33";
const EVERYTHING = 63;
const VARIABLE = 2;
/** DataType, ValueRank, AccessLevel, UserAccessLevel. */
const ATTRIBUTES = [14, 15, 17, 18];
const [READ, WRITE] = [1, 2];
const NODE_CLASS = 2;
const BROWSE_NAME = 3;

/** Returns a node id unchanged, a path without its trailing slash; `/` is the root. */
function addressOf(start: string): { nodeId: string } | { browsePath: string } {
  if (!start.startsWith("/")) return { nodeId: start };
  const path = start.replace(/\/+$/, "");
  return path === "" ? { nodeId: ROOT } : { browsePath: path };
}

const notThere = (start: string, status: string): Failure =>
  new Failure("usage.invalid", `${start}: ${status}`, { hint: remedyFor(status) });

/**
 * Yields the nodes below `start` (a node id, or a path such as /Objects/2:Chip), `levels` deep, parents before their children,
 * each node once. If there are none, yields the node itself. Throws Failure `usage.invalid` if the node does not exist.
 */
export async function* browseBelow(session: PlantSession, start: string, levels: number): AsyncGenerator<Browsed> {
  const { library } = session;
  const [root] = await findNodes(session, [addressOf(start)]);
  if (root === undefined || typeof root === "string") throw notThere(start, root ?? "BadNodeIdUnknown");
  const types = new NodeTypes(session);
  const seen = new Set<string>([root.toString()]);
  async function* below(nodeId: string, depth: number): AsyncGenerator<Browsed> {
    const [result] = await session.browse([
      {
        nodeId,
        browseDirection: library.BrowseDirection.Forward,
        referenceTypeId: FORWARD_HIERARCHICAL,
        includeSubtypes: true,
        resultMask: EVERYTHING,
      },
    ]);
    if (result?.statusCode.isBad() && depth === 0) throw notThere(start, result.statusCode.name);
    const references = result?.references ?? [];
    const about = await aboutVariables(session, types, references);
    for (const reference of references) {
      const id = reference.nodeId.toString();
      if (seen.has(id)) continue;
      seen.add(id);
      const nodeClass = library.NodeClass[reference.nodeClass] ?? "";
      yield { depth, nodeId: id, browseName: reference.browseName.toString(), nodeClass, ...about.get(id) };
      if (depth + 1 < levels) yield* below(id, depth + 1);
    }
  }
  yield* below(root.toString(), 0);
  if (seen.size === 1) yield await itself(session, types, root);
}

async function itself(session: PlantSession, types: NodeTypes, nodeId: NodeId): Promise<Browsed> {
  const [nodeClass, browseName] = await session.read(
    [NODE_CLASS, BROWSE_NAME].map((attributeId) => ({ nodeId, attributeId })),
  );
  const number = Number(goodValue(nodeClass) ?? 0);
  const about = await aboutVariables(session, types, [{ nodeId, nodeClass: number }]);
  const id = nodeId.toString();
  return {
    depth: 0,
    nodeId: id,
    browseName: String(goodValue(browseName) ?? ""),
    nodeClass: session.library.NodeClass[number] ?? "",
    ...about.get(id),
  };
}

/** Returns type and access of the references that are variables, by node id. */
async function aboutVariables(
  session: PlantSession,
  types: NodeTypes,
  references: readonly { readonly nodeId: NodeId; readonly nodeClass: number }[],
): Promise<Map<string, Pick<Browsed, "dataType" | "access">>> {
  const ids = references.filter(({ nodeClass }) => nodeClass === VARIABLE).map(({ nodeId }) => nodeId);
  const answers = await session.read(
    ids.flatMap((nodeId) => ATTRIBUTES.map((attributeId) => ({ nodeId, attributeId }))),
  );
  const about = new Map<string, Pick<Browsed, "dataType" | "access">>();
  for (const [at, id] of ids.entries()) {
    const [type, rank, access, userAccess] = answers.slice(at * ATTRIBUTES.length, (at + 1) * ATTRIBUTES.length);
    const typeId = goodValue(type) as NodeId | undefined;
    const array = Number(goodValue(rank) ?? -1) >= 0 ? "[]" : "";
    const bits = Number(goodValue(access) ?? 0) & Number(goodValue(userAccess) ?? goodValue(access) ?? 0);
    about.set(id.toString(), {
      ...(typeId === undefined ? {} : { dataType: `${await types.nameOf(typeId)}${array}` }),
      access: accessText(bits),
    });
  }
  return about;
}

const goodValue = (answer: DataValue | undefined): unknown =>
  answer?.statusCode.isGood() === true ? answer.value.value : undefined;

function accessText(bits: number): NonNullable<Browsed["access"]> {
  const [reads, writes] = [(bits & READ) !== 0, (bits & WRITE) !== 0];
  if (reads && writes) return "read and write";
  if (reads) return "read";
  return writes ? "write" : "none";
}
