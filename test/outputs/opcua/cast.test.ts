import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { BUILT_IN_NAMES, type BuiltInName } from "../../../src/config/opcua-data-type-name.ts";
import { nodesMappedTwice } from "../../../src/config/opcua-same-node.ts";
import type { OpcUaNode } from "../../../src/config/opcua-section.ts";
import { parseValueName } from "../../../src/config/opcua-value-name.ts";
import { castTo, isCastable, naturalType } from "../../../src/outputs/opcua/data-type.ts";
import { shownCertificate } from "../../../src/outputs/opcua/failures.ts";
import { qualityOfFailure, qualityOfFlags, worse } from "../../../src/outputs/opcua/quality.ts";
import { inPieces, type Limit } from "../../../src/outputs/opcua/requests.ts";
import { mapNodes } from "../../../src/outputs/opcua/target.ts";

const NODE = { node_id: undefined, browse_path: undefined, roi: "*", data_type: undefined, scale: 1, offset: 0 };
const LABELS = ["052A_N", "052A_S", "053/B_N"];

describe("casting", () => {
  test.each<[BuiltInName, number, unknown]>([
    ["SByte", -128.4, -128],
    ["SByte", 128, undefined],
    ["Byte", 255.4, 255],
    ["Byte", -1, undefined],
    ["Int16", 32_767, 32_767],
    ["Int16", 32_768, undefined],
    ["UInt16", 65_535, 65_535],
    ["UInt16", 65_536, undefined],
    ["Int32", -(2 ** 31), -(2 ** 31)],
    ["Int32", 2 ** 31, undefined],
    ["UInt32", 2 ** 32 - 1, 2 ** 32 - 1],
    ["UInt32", 2 ** 32, undefined],
    ["Int64", -1, [0xffffffff, 0xffffffff]],
    ["Int64", 2 ** 33 + 5, [2, 5]],
    ["Int64", 2 ** 63, undefined],
    ["UInt64", 2 ** 63, [0x80000000, 0]],
    ["UInt64", 2 ** 64, undefined],
    ["Float", 1e39, undefined],
    ["Float", 90.5, 90.5],
    ["Double", Number.NaN, Number.NaN],
    ["Int32", Number.NaN, undefined],
    ["Boolean", 3, true],
    ["Boolean", 4, false],
    ["String", 1.5, "1.5"],
  ])("to %s: %d becomes %j, and what a type cannot hold becomes nothing", (type, value, expected) => {
    expect(castTo(type, value)).toEqual(expected);
  });

  test("a time is a DateTime, seconds since 1970 in a wide number, and text", () => {
    const time = new Date("2026-03-04T15:20:20.500Z");
    expect(castTo("DateTime", time)).toBe(time);
    expect(castTo("Double", time)).toBe(1_772_637_620.5);
    expect(castTo("String", time)).toBe("2026-03-04T15:20:20.500Z");
    expect(isCastable("time", "Int16")).toBe(false);
  });

  test("a measured number never becomes a Boolean or a time, and text never a number", () => {
    expect(BUILT_IN_NAMES.filter((type) => !isCastable("number", type))).toEqual(["Boolean", "DateTime"]);
    expect(BUILT_IN_NAMES.filter((type) => isCastable("text", type))).toEqual(["String", "LocalizedText"]);
  });

  test("an abstract type gets the concrete one that loses nothing", () => {
    expect(naturalType("whole", "Number")).toBe("Double");
    expect(naturalType("whole", "Integer")).toBe("Int64");
    expect(naturalType("text", "BaseDataType")).toBe("String");
  });
});

describe("quality", () => {
  test("flags become Uncertain with the fitting sub-code, the gravest first", () => {
    expect([0, 1, 2, 4, 8, 16, 31].map(qualityOfFlags)).toEqual([
      "Good",
      "UncertainSensorNotAccurate",
      "UncertainEngineeringUnitsExceeded",
      "UncertainSensorNotAccurate",
      "UncertainSubNormal",
      "Uncertain",
      "UncertainSubNormal",
    ]);
    expect(qualityOfFailure("frame.unreadable")).toBe("BadSensorFailure");
    expect(qualityOfFailure("rois.missing")).toBe("BadConfigurationError");
    expect(worse("Uncertain", "BadNoData")).toBe("BadNoData");
  });
});

describe("mapping", () => {
  test("{roi} makes one node for each label, without it a pattern makes one array", () => {
    const one = { ...NODE, node_id: "ns=2;s=Chip.{roi}.Median", roi: "052A_*", value: "median" };
    const array = { ...NODE, node_id: "ns=2;s=All", value: "position" };
    const { targets, problems } = mapNodes([one, array], LABELS);
    expect(targets.map(({ shown, rois, isArray }) => [shown, rois, isArray])).toEqual([
      ["ns=2;s=Chip.052A_N.Median", [0], false],
      ["ns=2;s=Chip.052A_S.Median", [1], false],
      ["ns=2;s=All", [0, 1, 2], true],
    ]);
    expect(problems).toEqual([]);
  });

  test("a label is escaped in a browse path and taken as it is in a node id", () => {
    const by = (address: object) =>
      mapNodes([{ ...NODE, ...address, value: "position" }], LABELS).targets.at(-1)?.shown;
    expect(by({ browse_path: "/Objects/2:{roi}" })).toBe("/Objects/2:053&/B_N");
    expect(by({ node_id: "ns=2;s={roi}" })).toBe("ns=2;s=053/B_N");
  });

  test("a pattern without an ROI and a node with two values are named", () => {
    const none = { ...NODE, node_id: "ns=2;s={roi}", roi: "999*", value: "position" };
    const twice = ["brightness", "contrast"].map((value) => ({ ...NODE, node_id: "ns=2;s=B", value }));
    const { problems } = mapNodes([none, ...twice], LABELS);
    expect(problems).toEqual([
      'OPC_UA.nodes[0].roi = "999*": no ROI has this name; the first ROIs are 052A_N, 052A_S, 053/B_N',
      "ns=2;s=B is mapped twice, to brightness and contrast; only brightness is written",
    ]);
  });

  test("values are known by name", () => {
    expect(parseValueName("smoothness")).toEqual({ kind: "statistic", quantity: undefined, statistic: "Smoothness" });
    expect(parseValueName("amplitude.MAX")).toEqual({ kind: "statistic", quantity: "amplitude", statistic: "Max" });
    expect(parseValueName("temperature.Flow cell")).toEqual({ kind: "reading", sensor: "Flow cell" });
    for (const wrong of ["", "middle", "amplitude", "colour.median", "a.b.median"]) {
      expect(parseValueName(wrong)).toBeUndefined();
    }
  });
});

describe("requests in pieces", () => {
  test("a server that finds it too much is asked with less, and nothing is asked twice or left out", async () => {
    const asked: number[][] = [];
    const limit: Limit = { max: 10 };
    const items = Array.from({ length: 25 }, (_x, i) => i);
    const answers = await inPieces(items, limit, async (piece) => {
      if (piece.length > 4) throw new Error("BadTooManyOperations (0x80100000)");
      asked.push(piece);
      return piece;
    });
    expect(answers).toEqual(items);
    expect(asked.flat()).toEqual(items);
    expect(limit.max).toBeLessThanOrEqual(4);
    // What the server said stays known, whatever else makes the pieces smaller.
    expect(limit.told).toBe(limit.max);
  });

  test("what a smaller piece does not cure goes on", async () => {
    await expect(inPieces([1], { max: 5 }, () => Promise.reject(new Error("BadTooManyOperations")))).rejects.toThrow();
    await expect(inPieces([1, 2], { max: 5 }, async () => [1])).rejects.toThrow("1 answers came to 2");
  });
});

test("of several certificates of a server, the one for the security asked for is looked at", () => {
  const MessageSecurityMode = { Sign: 2, SignAndEncrypt: 3 } as never;
  const endpoint = (securityMode: number, policy: string, certificate: string) => ({
    securityMode,
    securityPolicyUri: `http://opcfoundation.org/UA/SecurityPolicy#${policy}`,
    serverCertificate: Buffer.from(certificate),
  });
  const endpoints = [
    endpoint(1, "None", ""),
    endpoint(3, "ECC_nistP256", "elliptic"),
    endpoint(3, "Basic256Sha256", "rsa"),
  ] as never[];
  const shown = (security_mode: "Sign" | "SignAndEncrypt", security_policy: "Basic256Sha256") =>
    shownCertificate({ MessageSecurityMode }, endpoints, { security_mode, security_policy })?.toString();
  expect(shown("SignAndEncrypt", "Basic256Sha256")).toBe("rsa");
  expect(shown("Sign", "Basic256Sha256")).toBe("elliptic");
});

test("a scale of 0 is refused: it would make every value 0", () => {
  const text =
    '[OPC_UA]\nendpoint_url = "opc.tcp://plc:4840"\n[[OPC_UA.nodes]]\nnode_id = "i=1"\nvalue = "frame"\nscale = 0\n';
  expect(() => parseConfig(text, "/tmp")).toThrow(/:6: OPC_UA\.nodes\[0\]\.scale = 0: must not be 0/);
});

test("a password in the endpoint's address is refused: addresses are shown and logged", () => {
  const url = (address: string) => () => parseConfig(`[OPC_UA]\nendpoint_url = "${address}"\n`, "/tmp");
  expect(url("opc.tcp://plant:sesame@plc:4840")).toThrow(/must not contain a user name or password/);
  expect(url("opc.tcp://plc:4840/line@2")).not.toThrow();
});

describe("one node, one value", () => {
  const entries = (...all: readonly Partial<OpcUaNode>[]) =>
    all.map((one) => ({ ...NODE, value: "position", ...one })) as unknown as OpcUaNode[];
  const id = (node_id: string, roi = "*") => ({ node_id, roi });
  const path = (browse_path: string) => ({ browse_path, node_id: undefined });

  test.each([
    [id("ns=2;s=B"), id("ns=2;s=B")],
    [id("i=85"), id("ns=0;i=085")],
    [id("NS=2;I=7"), id("ns=02;i=7")],
    [id("ns=2;g=ABCDEF00-0000-0000-0000-000000000000"), id("ns=2;g=abcdef00-0000-0000-0000-000000000000")],
    [id("ns=2;s={roi}", "052A_*"), id("ns=2;s={roi}")],
    [id("ns=2;s={roi}", "052a_n"), id("ns=2;s={roi}", "052A_N")],
    [id("ns=2;s=Array", "052A_N"), id("ns=2;s=Array", "052A_S")],
    [path("/Objects/2:Chip"), path("/0:Objects/2:Chip")],
  ])("%j and %j are refused", (one, other) => {
    expect(nodesMappedTwice(entries(one, id("i=1"), other))).toEqual([
      expect.objectContaining({
        at: 2,
        text: expect.stringMatching(/^is the same node as OPC_UA\.nodes\[0\], .* remove one/),
      }),
    ]);
  });

  test.each([
    [id("ns=2;s=B"), id("ns=2;s=b")],
    [id("ns=2;s=007"), id("ns=2;s=7")],
    [id("ns=2;s=1"), id("ns=2;i=1")],
    [id("ns=2;s={roi}", "052A_*"), id("ns=2;s={roi}", "052B_*")],
    [id("nsu=urn:a;s=B"), id("nsu=urn:b;s=B")],
    [path("/Objects/2:Chip"), path("/Objects/3:Chip")],
  ])("%j and %j are two nodes", (one, other) => {
    expect(nodesMappedTwice(entries(one, other))).toEqual([]);
  });

  test("config check refuses the second one", () => {
    const node = '[[OPC_UA.nodes]]\nnode_id = "ns=2;s=B"\nvalue = "contrast"\n';
    const text = `[OPC_UA]\nendpoint_url = "opc.tcp://plc:4840"\n${node}${node}`;
    expect(() => parseConfig(text, "/tmp")).toThrow(
      /:7: OPC_UA\.nodes\[1\]\.node_id = "ns=2;s=B": is the same node as OPC_UA\.nodes\[0\], which gets contrast/,
    );
  });
});
