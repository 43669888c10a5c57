import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { commandThermometer } from "../../src/sensors/command-sensor.ts";
import { hwmonThermometer, listHwmon } from "../../src/sensors/hwmon.ts";
import { listOneWire, oneWireThermometer, parseOneWire, parseTemperature } from "../../src/sensors/one-wire.ts";
import type { Thermometer } from "../../src/sensors/reading.ts";
import { type ReadingMemory, readThermometer, ThermometerWatch } from "../../src/sensors/thermometer.ts";

const good = "72 01 4b 46 7f ff 0e 10 57 : crc=57 YES\n72 01 4b 46 7f ff 0e 10 57 t=23125\n";
const signal = new AbortController().signal;
let sys: string;
beforeEach(() => {
  sys = mkdtempSync(join(tmpdir(), "phorest-sys-"));
});
afterEach(() => rmSync(sys, { recursive: true, force: true }));

function put(path: string, content: string): string {
  const file = join(sys, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, content);
  return file;
}

/** A `cat` that gives other texts than the file, one after the other: what a bus with bad wires does. */
async function withCat(script: string, work: () => Promise<void>): Promise<void> {
  const cat = put("bin/cat", `#!/bin/sh\n${script}\n`);
  chmodSync(cat, 0o755);
  const path = process.env.PATH;
  process.env.PATH = `${join(sys, "bin")}:${path}`;
  try {
    await work();
  } finally {
    process.env.PATH = path;
  }
}

describe("a DS18B20", () => {
  test("gives its temperature in both of the kernel's forms", async () => {
    put("28-000000000001/w1_slave", good);
    put("28-000000000002/temperature", "-1250\n");
    expect(await oneWireThermometer("28-000000000001", "A", sys).read(signal)).toBe(23.125);
    expect(await oneWireThermometer("28-000000000002", "B", sys).read(signal)).toBe(-1.25);
    put("w1_bus_master1/name", "w1_bus_master1");
    expect(await listOneWire(sys)).toEqual(["28-000000000001", "28-000000000002"]);
  });

  test("a failed checksum, the power-on value and an empty answer are refused", () => {
    expect(() => parseOneWire(good.replace("YES", "NO"))).toThrow("checksum");
    expect(() => parseOneWire(good.replace("t=23125", "t=85000"))).toThrow("power-on");
    expect(() => parseOneWire("")).toThrow();
    const zeros = "00 ".repeat(9);
    expect(() => parseOneWire(`${zeros}: crc=00 YES\n${zeros}t=0\n`)).toThrow("short-circuited");
    expect(() => parseTemperature("85000\n")).toThrow("power-on");
    expect(() => parseTemperature("\n")).toThrow("no temperature");
  });

  test("that answers only zeros has a shorted wire, whichever file says so", async () => {
    const zeros = "00 ".repeat(9);
    put("28-000000000001/temperature", "0\n");
    put("28-000000000001/w1_slave", `${zeros}: crc=00 YES\n${zeros}t=0\n`);
    put("28-000000000002/w1_slave", `${zeros}: crc=00 YES\n${zeros}t=0\n`);
    put("28-000000000003/temperature", "0\n");
    const at = (serial: string) => oneWireThermometer(serial, "A", sys).read(signal);
    await expect(at("28-000000000001")).rejects.toThrow("short-circuited");
    await expect(at("28-000000000002")).rejects.toThrow("short-circuited");
    await expect(at("28-000000000003")).rejects.toThrow("exactly 0 °C");
  });

  test("in melting ice reads 0 °C, which its raw bytes bear out", async () => {
    const ice = "00 00 4b 46 7f ff 10 10 52";
    put("28-000000000001/temperature", "0\n");
    put("28-000000000001/w1_slave", `${ice} : crc=52 YES\n${ice} t=0\n`);
    expect(await oneWireThermometer("28-000000000001", "A", sys).read(signal)).toBe(0);
  });

  test.each(["85000", "127937", "127938", "125063", "-55063", "4095938", "-127000"])(
    "does not measure %s thousandths of a degree, whichever file says so",
    async (value) => {
      put("28-000000000001/temperature", `${value}\n`);
      put("28-000000000002/w1_slave", good.replace("23125", value));
      for (const serial of ["28-000000000001", "28-000000000002"]) {
        await expect(oneWireThermometer(serial, "A", sys).read(signal)).rejects.toThrow(
          /power-on value|no measurement|outside its range/,
        );
      }
    },
  );

  test.each([
    ["28", "125000", 125],
    ["28", "-55000", -55],
    ["28", "62", 0.062],
    ["10", "84500", 84.5],
    ["3b", "310250", 310.25],
  ])("of family %s measures %s thousandths of a degree", async (family, value, degrees) => {
    put(`${family}-000000000001/temperature`, `${value}\n`);
    expect(await oneWireThermometer(`${family}-000000000001`, "A", sys).read(signal)).toBe(degrees);
  });

  test("is asked up to five times while the checksum fails", async () => {
    put("28-000000000001/w1_slave", good);
    const count = join(sys, "count");
    const failing = (times: number) =>
      `echo x >> ${count}; if [ $(wc -l < ${count}) -gt ${times} ]; then /bin/cat "$1"; else echo "ff : crc=00 NO"; fi`;
    const sensor = oneWireThermometer("28-000000000001", "A", sys);
    await withCat(failing(4), async () => expect(await sensor.read(signal)).toBe(23.125));
    rmSync(count);
    await withCat(failing(5), async () => expect(sensor.read(signal)).rejects.toThrow("checksum"));
  });

  test("that is missing is an error by its name", async () => {
    const reading = await readThermometer(oneWireThermometer("28-000000000000", "Chip holder", sys), signal);
    expect(reading).toMatchObject({ sensor: "Chip holder", value: undefined, unit: "°C" });
    expect(reading.error).toBe("Chip holder (28-000000000000): the sensor is not on the bus");
  });
});

test("hwmon inputs are found by chip and label, whatever their number", async () => {
  put("hwmon3/name", "coretemp\n");
  put("hwmon3/temp1_label", "Package id 0\n");
  put("hwmon3/temp1_input", "41500\n");
  put("hwmon0/name", "probe\n");
  put("hwmon0/temp2_input", "nonsense\n");
  expect((await listHwmon(sys)).map(({ id }) => id)).toEqual(["coretemp/Package id 0", "probe/temp2"]);
  expect(await hwmonThermometer("coretemp/Package id 0", "CPU", sys).read(signal)).toBe(41.5);
  await expect(hwmonThermometer("probe/temp2", "P", sys).read(signal)).rejects.toThrow(
    'the driver returned "nonsense"',
  );
  await expect(hwmonThermometer("probe/temp9", "P", sys).read(signal)).rejects.toThrow("no such input");
  for (const missing of ["-128000", "127000", "255875"]) {
    put("hwmon0/temp2_input", `${missing}\n`);
    await expect(hwmonThermometer("probe/temp2", "P", sys).read(signal)).rejects.toThrow("outside its range");
  }
  put("hwmon0/temp2_input", "21500\n");
  put("hwmon0/temp2_fault", "1\n");
  await expect(hwmonThermometer("probe/temp2", "P", sys).read(signal)).rejects.toThrow("fault");
});

test("a program that prints a number is a thermometer; anything else it prints is an error", async () => {
  const print = (text: string) => commandThermometer(["printf", "%s", text], "Room").read(signal);
  expect(await print("21.5\n")).toBe(21.5);
  expect(await print("-3 °C")).toBe(-3);
  await expect(print("sensor 1: 21.5")).rejects.toThrow('it printed "sensor 1: 21.5", not a number');
  for (const text of ["NaN", "inf", "1e999", "-127", "850 C", "-1e3"]) {
    await expect(print(text)).rejects.toThrow(/not a number|outside its range/);
  }
  const failing = await readThermometer(commandThermometer(["sh", "-c", "echo no bus >&2; exit 3"], "Room"), signal);
  expect(failing.error).toMatch(/^Room \(sh\): sh exited with code 3: no bus/);
});

describe("the watch over all thermometers", () => {
  const sensor = (name: string, read: () => Promise<number>): Thermometer => ({ name, where: name, read });

  test("gives each frame the nearest reading with its own time, and a hanging sensor delays nothing", async () => {
    let value = 20;
    const hanging = sensor("Hangs", () => new Promise(() => undefined));
    const failing = sensor("Fails", () => Promise.reject(new Error("broken wire")));
    const watch = new ThermometerWatch([sensor("Works", async () => value++), hanging, failing], 30);
    await watch.start(50);
    const now = () => watch.nearest(Date.now() * 1000);
    await expect.poll(() => now()[0]?.value, { timeout: 60_000 }).toBeGreaterThan(20);
    await expect.poll(() => now()[2]?.error, { timeout: 60_000 }).toBeDefined();
    const atUs = Date.now() * 1000;
    const [works, hangs, fails] = watch.nearest(atUs);
    expect(Math.abs((works?.takenAtUs ?? 0) - atUs)).toBeLessThan(600_000_000);
    expect(hangs).toMatchObject({ value: undefined, error: "Hangs (Hangs): no reading yet" });
    expect(fails).toMatchObject({ value: undefined, error: "Fails (Fails): broken wire" });
    await watch.close();
    const last = value;
    // As long as another watch of the same pace needs to read several times.
    let witnessed = 0;
    const witness = new ThermometerWatch([sensor("Witness", async () => witnessed++)], 30);
    await witness.start(50);
    await expect.poll(() => witnessed, { timeout: 60_000 }).toBeGreaterThan(4);
    await witness.close();
    expect(value).toBe(last);
  });

  test("goes on with what an earlier watch read, until a slow sensor has answered again", async () => {
    const memory: ReadingMemory = new Map();
    const first = new ThermometerWatch([sensor("Slow", async () => 20)], 1000, memory);
    await first.start(1000);
    await first.close();
    const second = new ThermometerWatch([sensor("Slow", () => new Promise(() => undefined))], 1000, memory);
    await second.start(0);
    expect(second.nearest(Date.now() * 1000)[0]).toMatchObject({ value: 20, error: undefined });
    await second.close();
    expect(second.nearest(Date.now() * 1000)[0]).toMatchObject({ value: 20, error: undefined });
  });

  test("does not give a reading that is too old for the frame", async () => {
    const watch = new ThermometerWatch([sensor("Old", async () => 20)], 1000);
    await watch.start(1000);
    expect(watch.nearest((Date.now() + 60_000) * 1000)[0]?.error).toMatch(/^Old \(Old\): no reading for 60 s/);
    await watch.close();
  });
});
