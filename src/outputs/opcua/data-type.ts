// OPC UA's built-in data types. Casts our values to exactly the type of a node: a server refuses an Int32 for an Int16 and a
// Double for a Float.
import type { BuiltInName } from "../../config/opcua-data-type-name.ts";
import type { ValueKind } from "../../config/opcua-value-name.ts";

/** A value before the cast; a Date is UTC. */
export type Plain = number | boolean | string | Date;

/** Two halves, high first: how the client library represents 64 bits. */
type Halves = [high: number, low: number];
export type Cast = number | boolean | string | Date | Halves | { readonly text: string };

const RANGES: Partial<Record<BuiltInName, readonly [low: number, high: number]>> = {
  SByte: [-128, 127],
  Byte: [0, 255],
  Int16: [-32_768, 32_767],
  UInt16: [0, 65_535],
  Int32: [-(2 ** 31), 2 ** 31 - 1],
  UInt32: [0, 2 ** 32 - 1],
  // The largest doubles within the 64-bit range.
  Int64: [-(2 ** 63), 2 ** 63 - 1024],
  UInt64: [0, 2 ** 64 - 2048],
};

const isNumeric = (type: BuiltInName): boolean => type in RANGES || type === "Float" || type === "Double";

/** Whether values of this kind are meaningful in that type. Numbers are rounded if the type requires whole ones. */
export function isCastable(kind: ValueKind, type: BuiltInName): boolean {
  if (type === "String" || type === "LocalizedText") return true;
  switch (kind) {
    case "text":
      return false;
    case "time":
      return type === "DateTime" || (isNumeric(type) && !["SByte", "Byte", "Int16", "UInt16"].includes(type));
    case "truth":
    case "whole":
      return type === "Boolean" || isNumeric(type);
    case "number":
      return isNumeric(type);
  }
}

/** Returns the type for a node that accepts several (abstract types such as Number). */
export function naturalType(
  kind: ValueKind,
  abstract: "BaseDataType" | "Number" | "Integer" | "UInteger",
): BuiltInName {
  if (abstract === "Integer") return "Int64";
  if (abstract === "UInteger") return "UInt64";
  return abstract === "Number" ? "Double" : NATURAL[kind];
}

const NATURAL: Readonly<Record<ValueKind, BuiltInName>> = {
  number: "Double",
  whole: "UInt32",
  truth: "Boolean",
  text: "String",
  time: "DateTime",
};

/**
 * Casts `value` to the type; undefined if the type has no such value (NaN or out of range as a whole number). Times become
 * seconds since 1970 in a numeric type.
 */
export function castTo(type: BuiltInName, value: Plain): Cast | undefined {
  if (type === "DateTime") return value instanceof Date ? value : undefined;
  if (type === "String" || type === "LocalizedText") {
    const text = value instanceof Date ? value.toISOString() : String(value);
    return type === "String" ? text : { text };
  }
  if (typeof value === "string") return undefined;
  const number = value instanceof Date ? value.getTime() / 1000 : Number(value);
  if (type === "Double") return number;
  // Beyond a Float's range the nearest value is infinity, which would be taken for a measurement.
  if (type === "Float") return Number.isFinite(number) && !Number.isFinite(Math.fround(number)) ? undefined : number;
  if (type === "Boolean") return Number.isNaN(number) ? undefined : Math.trunc(number) % 2 !== 0 || isTrue(value);
  const range = RANGES[type];
  const whole = Math.round(number);
  if (range === undefined || !(whole >= range[0] && whole <= range[1])) return undefined;
  return type === "Int64" || type === "UInt64" ? halves(whole) : whole;
}

/** As a Boolean, a whole number is odd or even: a heartbeat then blinks. */
const isTrue = (value: Plain): boolean => value === true;

function halves(whole: number): Halves {
  const bits = BigInt.asUintN(64, BigInt(whole));
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
}

/** Returns the value that accompanies a Bad status, or means "no number" if no status can be written: NaN if the type has one. */
export function emptyValue(type: BuiltInName): Cast {
  switch (type) {
    case "Float":
    case "Double":
      return Number.NaN;
    case "Boolean":
      return false;
    case "String":
      return "";
    case "LocalizedText":
      return { text: "" };
    case "DateTime":
      return new Date(0);
    case "Int64":
    case "UInt64":
      return [0, 0];
    default:
      return 0;
  }
}

/** Whether the type itself can express "no number". */
export function hasNoNumber(type: BuiltInName): boolean {
  return type === "Float" || type === "Double" || type === "String" || type === "LocalizedText";
}
