// The names of OPC UA's built-in data types that values can be cast to.

/** Ids of the built-in types (OPC UA part 6, table 1) that a value can be cast to. */
export const BUILT_IN = {
  Boolean: 1,
  SByte: 2,
  Byte: 3,
  Int16: 4,
  UInt16: 5,
  Int32: 6,
  UInt32: 7,
  Int64: 8,
  UInt64: 9,
  Float: 10,
  Double: 11,
  String: 12,
  DateTime: 13,
  LocalizedText: 21,
} as const;
export type BuiltInName = keyof typeof BUILT_IN;
export const BUILT_IN_NAMES = Object.keys(BUILT_IN) as [BuiltInName, ...BuiltInName[]];
