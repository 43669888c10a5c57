import { expect, test } from "vitest";
import { parseOneWire, readThermometers } from "../../src/frame/thermometer.ts";

const good = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n";

test("a DS18B20 text gives its temperature", () => {
  expect(parseOneWire(good)).toBe(23.125);
  expect(parseOneWire(good.replace("t=23125", "t=-1250"))).toBe(-1.25);
});

test("a failed checksum and the power-on value are refused", () => {
  expect(() => parseOneWire(good.replace("YES", "NO"))).toThrow("checksum");
  expect(() => parseOneWire(good.replace("t=23125", "t=85000"))).toThrow("power-on");
  expect(() => parseOneWire("")).toThrow();
});

test("a missing sensor is an error by its name beside the others' values", async () => {
  const readings = await readThermometers([{ serial: "28-000000000000", name: "Chip holder" }], "v4l2");
  expect(readings).toHaveLength(1);
  expect(readings[0]?.value).toBeUndefined();
  expect(readings[0]?.error).toContain("Chip holder (28-000000000000)");
});
