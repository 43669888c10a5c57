// Writes one frame to the server: casts the values, writes them, and evaluates each answer.
import { setTimeout as sleep } from "node:timers/promises";
import type { StatusCode, WriteValue } from "node-opcua-client";
import type { BuiltInName } from "../../config/opcua-data-type-name.ts";
import { type Cast, castTo, emptyValue, hasNoNumber, type Plain } from "./data-type.ts";
import { type BoundNode, isWritten, refusalOf } from "./node-table.ts";
import { isBad, type Quality } from "./quality.ts";
import { remedyFor, verdictOf } from "./remedies.ts";
import type { Sample } from "./sample.ts";
import type { PlantSession } from "./session.ts";

const VALUE_ATTRIBUTE = 13;
/** How often a node that cannot take a value at the moment is tried, with pauses that double. */
const TRIES = 4;
const FIRST_PAUSE_MS = 100;
/** A gateway may pass the value on later. */
const PLAIN_GOOD = new Set(["Good", "GoodCompletesAsynchronously"]);
/** The status code of nearly every answer, which needs no lookup. */
const GOOD = 0;

/** The result of a Write for the nodes that were to be written. */
export interface Written {
  readonly values: number;
  /** Nodes that were assumed to accept a time stamp or a status and do not. */
  readonly bare: readonly BoundNode[];
  /** Nodes that keep their old value because they cannot express that there is none. */
  readonly withheld: readonly BoundNode[];
  /** Nodes whose type cannot hold the value; they get the status BadOutOfRange if they accept one. */
  readonly outOfRange: readonly BoundNode[];
  /** Nodes that accepted the value with a remark (GoodClamped...), the first one for each status. */
  readonly remarks: ReadonlyMap<string, BoundNode>;
}

/** Values that are the same for all nodes of a frame; the library would look them up in other packages each time. */
interface FrameConstants {
  readonly time: Date;
  readonly good: StatusCode;
  readonly codes: Readonly<Record<Quality, StatusCode>>;
}

interface Item {
  readonly node: BoundNode;
  readonly sample: Sample;
}

/**
 * Writes one sample to each node that is not refused. Refusals are recorded in the nodes themselves. Throws if the connection is
 * at fault; then any of the values may or may not have arrived, and writing them again does no harm.
 */
export async function writeSamples(
  session: PlantSession,
  nodes: readonly BoundNode[],
  sampleFor: (node: BoundNode) => Sample,
  timeUs: number,
): Promise<Written> {
  const { StatusCodes } = session.library;
  const constants = { time: new Date(Math.round(timeUs / 1000)), good: StatusCodes.Good, codes: StatusCodes };
  const bare: BoundNode[] = [];
  const remarks = new Map<string, BoundNode>();
  const withheld: BoundNode[] = [];
  const outOfRange = new Set<BoundNode>();
  let values = 0;
  let items: Item[] = [];
  for (const node of nodes) if (isWritten(node)) items.push({ node, sample: sampleFor(node) });
  for (let attempt = 1; items.length > 0; attempt += 1) {
    const asked: Item[] = [];
    const writes: WriteValue[] = [];
    for (const item of items) {
      const isBeyond = valuesOutOfRange(item).length > 0;
      if (isBeyond) outOfRange.add(item.node);
      const write = filledSlot(session, item.node, item.sample, constants);
      if (write === undefined) {
        // A value that is too large is reported separately.
        if (!isBeyond) withheld.push(item.node);
        item.node.offeredUs = timeUs;
      } else {
        asked.push(item);
        writes.push(write);
      }
    }
    const answers = await session.write(writes);
    const again: Item[] = [];
    asked.forEach((item, at) => {
      const { node } = item;
      const answer = answers[at] as StatusCode;
      if (answer.value === GOOD) {
        values += 1;
        node.refusal = undefined;
        node.offeredUs = timeUs;
        return;
      }
      const verdict = judge(node, answer, attempt);
      // A node that could not take it at the moment is offered the newest value again.
      if (verdictOf(answer.name, answer.value >>> 30) !== "later") node.offeredUs = timeUs;
      if (verdict === "done") values += 1;
      if (verdict === "done" && !PLAIN_GOOD.has(answer.name) && !remarks.has(answer.name)) {
        remarks.set(answer.name, node);
      }
      if (verdict === "bare" && !bare.includes(node)) bare.push(node);
      if (verdict === "bare" || verdict === "again") again.push(item);
    });
    items = again;
    const waits = again.some(({ node }) => !bare.includes(node));
    if (waits) await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
  }
  return { values, bare, withheld, outOfRange: [...outOfRange], remarks };
}

function judge(node: BoundNode, answer: StatusCode, attempt: number): "done" | "bare" | "again" | "left" {
  const status = answer.name;
  switch (verdictOf(status, answer.value >>> 30)) {
    case "good":
      node.refusal = undefined;
      return "done";
    case "bare":
      // The access level permits it, but the server refuses: most refuse the time stamp, and accept a status alone.
      if (!node.takesStatus && !node.takesTime) return refuse(node, status);
      if (node.takesTime) node.takesTime = false;
      else node.takesStatus = false;
      return "bare";
    case "later":
      // A node that was also unavailable for the last frame does not make every frame wait.
      return attempt < TRIES && node.refusal === undefined
        ? "again"
        : refuse(node, status, `not after ${TRIES} tries; phorest retries with the next frame`, true);
    case "value":
      return refuse(node, status, remedyFor(status), true);
    case "refused":
      return refuse(node, status);
  }
}

function refuse(node: BoundNode, status: string, cure?: string, passing = false): "left" {
  node.refusal = { ...refusalOf(node.target, status, cure), passing };
  return "left";
}

/** Returns the existing values that the node's type cannot hold. */
export function valuesOutOfRange({ node: { type }, sample: { value } }: Item): readonly Plain[] {
  const values: readonly Plain[] = Array.isArray(value) ? value : [value as Plain];
  return values.filter((one) => hasValue(one) && castTo(type, one) === undefined);
}

/** undefined: the node can neither hold the value nor express that there is none, and keeps its old value. */
function filledSlot(
  session: PlantSession,
  node: BoundNode,
  sample: Sample,
  { time, good, codes }: FrameConstants,
): WriteValue | undefined {
  const { type, asArray, takesStatus, takesTime } = node;
  const isDoubtful = isBad(sample.quality);
  let missing = false;
  let content: unknown;
  if (asArray || Array.isArray(sample.value)) {
    const values = Array.isArray(sample.value) ? (sample.value as readonly Plain[]) : [sample.value as Plain];
    const list = values.map((value) => castOf(type, value, isDoubtful));
    missing = list.includes(undefined);
    content = packed(
      type,
      list.map((value) => value ?? emptyValue(type)),
    );
  } else {
    const cast = castOf(type, sample.value as Plain, isDoubtful);
    missing = cast === undefined;
    content = cast ?? emptyValue(type);
  }
  const quality: Quality = missing && !isDoubtful ? "BadOutOfRange" : sample.quality;
  if (isBad(quality) && !takesStatus && !hasNoNumber(type)) return undefined;
  node.slot ??= newSlot(session, node);
  const { value } = node.slot;
  value.value.value = content;
  // Good is expressed by no status, which nodes that accept no status need.
  value.statusCode = takesStatus && quality !== "Good" ? codes[quality] : good;
  value.sourceTimestamp = takesTime ? time : null;
  return node.slot;
}

/** undefined: the type has no such value, or there is none. */
function castOf(type: BuiltInName, value: Plain, isDoubtful: boolean): Cast | undefined {
  return isDoubtful && !hasValue(value) ? undefined : castTo(type, value);
}

function newSlot({ library }: PlantSession, { nodeId, type, asArray }: BoundNode): WriteValue {
  const { Array: list, Scalar } = library.VariantArrayType;
  const empty = asArray ? packed(type, []) : emptyValue(type);
  const value = { dataType: library.DataType[type], arrayType: asArray ? list : Scalar, value: empty };
  return new library.WriteValue({ nodeId, attributeId: VALUE_ATTRIBUTE, value: { value } });
}

const hasValue = (value: Plain): boolean => typeof value !== "number" || !Number.isNaN(value);

/** Returns Doubles and Floats in the form that the library encodes fastest. */
function packed(type: BuiltInName, elements: readonly Cast[]): unknown {
  if (type === "Double") return Float64Array.from(elements as readonly number[]);
  return type === "Float" ? Float32Array.from(elements as readonly number[]) : elements;
}
