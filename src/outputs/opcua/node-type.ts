// Resolves a data type of the server to one of the built-in types, or to an abstract type that accepts several. User-defined
// types (Duration, a plant's "Pixel") are followed up to it.
import type { NodeId } from "node-opcua-client";
import { BUILT_IN, type BuiltInName } from "../../config/opcua-data-type-name.ts";
import type { ValueKind } from "../../config/opcua-value-name.ts";
import { naturalType } from "./data-type.ts";
import type { PlantSession } from "./session.ts";

/** A built-in type, an abstract one, or `undefined` for one that accepts none of phorest's values (structures, GUIDs, ...). */
export type NodeType = BuiltInName | Abstract | undefined;
type Abstract = "BaseDataType" | "Number" | "Integer" | "UInteger";

const ABSTRACT: Readonly<Record<number, Abstract>> = {
  24: "BaseDataType",
  26: "Number",
  27: "Integer",
  28: "UInteger",
};
const NAMES: Readonly<Record<number, BuiltInName>> = Object.fromEntries(
  Object.entries(BUILT_IN).map(([name, number]) => [number, name as BuiltInName]),
);
const ENUMERATION = 29;
/**
 * Built-in types have ids up to this one. BaseDataType, the parent of all, would hide those that accept none of phorest's values.
 */
const LAST_BUILT_IN = 25;
const DEEPEST = 32;
const VALUE_ATTRIBUTE = 13;
const BROWSE_NAME_ATTRIBUTE = 3;

/** Looks up types, each one once per session. */
export class NodeTypes {
  readonly #session: PlantSession;
  readonly #known = new Map<string, Promise<NodeType>>();
  readonly #names = new Map<string, Promise<string>>();

  constructor(session: PlantSession) {
    this.#session = session;
  }

  /**
   * @param dataType value of a variable's DataType attribute; undefined if it cannot be read.
   * @param variable its current value shows the type if the server does not say what the type derives from.
   */
  async of(dataType: NodeId | undefined, variable: NodeId): Promise<NodeType> {
    if (dataType === undefined) return (await this.#ofValue(variable)) ?? "BaseDataType";
    const key = dataType.toString();
    const known = this.#known.get(key) ?? this.#find(dataType);
    this.#known.set(key, known);
    return (await known) ?? this.#ofValue(variable);
  }

  /** Returns the type's name for people: `Guid` for `i=14`, its browse name if the server has one, otherwise its node id. */
  async nameOf(dataType: NodeId): Promise<string> {
    const key = dataType.toString();
    const known = this.#names.get(key) ?? this.#findName(dataType);
    this.#names.set(key, known);
    return known;
  }

  async #findName(dataType: NodeId): Promise<string> {
    const { library } = this.#session;
    const { namespace, value } = dataType;
    const builtIn = namespace === 0 && typeof value === "number" && value <= LAST_BUILT_IN;
    if (builtIn && library.DataType[value] !== undefined) return library.DataType[value];
    const [answer] = await this.#session.read([{ nodeId: dataType, attributeId: BROWSE_NAME_ATTRIBUTE }]);
    const name: unknown = answer?.statusCode.isGood() ? answer.value.value?.name : undefined;
    return typeof name === "string" && name !== "" ? name : dataType.toString();
  }

  async #ofValue(variable: NodeId): Promise<NodeType> {
    const [answer] = await this.#session.read([{ nodeId: variable, attributeId: VALUE_ATTRIBUTE }]);
    return answer?.statusCode.isGood() ? NAMES[answer.value.dataType] : undefined;
  }

  async #find(dataType: NodeId): Promise<NodeType> {
    const { library } = this.#session;
    let at = dataType;
    for (let depth = 0; depth < DEEPEST; depth += 1) {
      const { namespace, value } = at;
      if (namespace === 0 && typeof value === "number") {
        if (value === ENUMERATION) return "Int32";
        const found = NAMES[value] ?? ABSTRACT[value];
        // Integer and UInteger derive from Number, and everything derives from BaseDataType: the first one found is the type.
        if (found !== undefined) return found;
        if (value <= LAST_BUILT_IN) return undefined;
      }
      const [result] = await this.#session.browse([
        {
          nodeId: at,
          browseDirection: library.BrowseDirection.Inverse,
          referenceTypeId: "i=45",
          includeSubtypes: false,
          resultMask: 0,
        },
      ]);
      const parent = result?.references?.[0]?.nodeId;
      if (parent === undefined) return undefined;
      at = parent;
    }
    return undefined;
  }
}

/** Returns the type to cast to, for a node of that type. */
export function castType(type: NodeType, kind: ValueKind, wanted: BuiltInName | undefined): BuiltInName | undefined {
  if (type === undefined) return undefined;
  if (type === "BaseDataType" || type === "Number" || type === "Integer" || type === "UInteger") {
    return wanted ?? naturalType(kind, type);
  }
  return type;
}
