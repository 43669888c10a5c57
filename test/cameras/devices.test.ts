import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findSensors, listConfigured, listV4l2Cameras } from "../../src/commands/devices.ts";
import { parseConfig } from "../../src/config/config.ts";
import { diagnose } from "../../src/doctor/check.ts";
import { endpointFinding, remoteFinding } from "../../src/doctor/devices.ts";
import { diskSpace, permissions, uuidFinding } from "../../src/doctor/disk.ts";
import { sharpnessOf } from "../../src/image/focus.ts";
import { fakeClock } from "../support/clock.ts";
import { FakeMachine } from "./fakes/machine.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "phorest-root-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(path: string, content: string): void {
  mkdirSync(join(root, path, ".."), { recursive: true });
  writeFileSync(join(root, path), content);
}

test("the configured camera is listed where it is not found without settings, or why not", async () => {
  const of = (lines: string) => listConfigured(parseConfig(`[Camera]\n${lines}`, root).config);
  const [command] = await of('camera_type = "command"\ncommand = ["cat", "frame.png"]');
  expect(command).toMatchObject({
    description: "cat frame.png",
    toml: expect.arrayContaining(['camera_type = "command"']),
  });
  const [missing] = await of('camera_type = "command"');
  expect(missing?.details.join()).toContain("Camera.command is empty");
  for (const type of ["simulated", "tis", "folder"]) expect(await of(`camera_type = "${type}"`)).toEqual([]);
});

test("cameras are listed by their stable by-id name, with formats, ranges and the lines to paste", async () => {
  const machine = new FakeMachine(["v4l2-ctl"]);
  try {
    put("dev/video0", "");
    put("sys/class/video4linux/video0/name", "DMK 33UX\n");
    mkdirSync(join(root, "dev/v4l/by-id"), { recursive: true });
    const byId = join(root, "dev/v4l/by-id/usb-TIS_DMK-video-index0");
    symlinkSync("../../video0", byId);
    symlinkSync("../../video7", join(root, "dev/v4l/by-id/usb-unplugged"));
    const [found, ...others] = await listV4l2Cameras(root);
    expect(others).toEqual([]);
    expect(found).toMatchObject({ name: byId, description: "DMK 33UX: fake" });
    expect(found?.details).toContain("format GREY 640x480 320x240");
    expect(found?.toml).toEqual(['camera_type = "v4l2"', `device = "${byId}"`]);
    machine.set("FAKE_FAULT", "unplugged");
    expect((await listV4l2Cameras(root))[0]?.details.join()).toMatch(/Cannot open device/);
  } finally {
    machine.close();
  }
  expect(await listV4l2Cameras(join(root, "empty"))).toEqual([]);
});

test("sensors are listed with a reading and the line to paste", async () => {
  put("w1/28-00000000000a/temperature", "21500\n");
  put("hwmon/hwmon0/name", "cpu_thermal\n");
  put("hwmon/hwmon0/temp1_input", "bad\n");
  const found = await findSensors({ oneWire: join(root, "w1"), hwmon: join(root, "hwmon") });
  expect(found.map(({ toml }) => toml)).toEqual([
    '"28-00000000000a" = "Sensor 1"',
    '"cpu_thermal/temp1" = "cpu_thermal/temp1"',
  ]);
  expect(found[0]?.reading.value).toBe(21.5);
  expect(found[1]?.reading.error).toContain('the driver returned "bad"');
});

test("two chips of one name are told apart by their devices, so that the lines to paste are valid together", async () => {
  for (const [chip, device] of [
    ["hwmon3", "nvme1"],
    ["hwmon7", "nvme0"],
  ] as const) {
    mkdirSync(join(root, "devices", device), { recursive: true });
    put(`hwmon/${chip}/name`, "nvme\n");
    put(`hwmon/${chip}/temp1_label`, "Composite\n");
    put(`hwmon/${chip}/temp1_input`, device === "nvme0" ? "40000" : "41000");
    symlinkSync(join(root, "devices", device), join(root, "hwmon", chip, "device"));
  }
  const hwmon = join(root, "hwmon");
  const found = await findSensors({ oneWire: join(root, "none"), hwmon });
  expect(found.map(({ toml, reading }) => [toml, reading.value])).toEqual([
    ['"nvme@nvme0/Composite" = "nvme@nvme0/Composite"', 40],
    ['"nvme@nvme1/Composite" = "nvme@nvme1/Composite"', 41],
  ]);
});

describe("the doctor", () => {
  test("tells a disk that is not plugged in, not mounted, or mounted elsewhere", async () => {
    const disk = join(root, "dev/sdb1");
    put("dev/sdb1", "");
    mkdirSync(join(root, "dev/disk/by-uuid"), { recursive: true });
    const seen = async (mounts: string) => {
      put("proc/self/mountinfo", mounts);
      return (await uuidFinding("abc", "/lab/chip 1", root)).found;
    };
    expect(await seen("")).toContain("is not plugged in");
    symlinkSync(disk, join(root, "dev/disk/by-uuid/abc"));
    expect(await seen("")).toContain("/lab/chip 1 is not on the disk");
    expect(await seen(`22 21 8:17 / /media/usb rw - ext4 ${disk} rw\n`)).toContain("/lab/chip 1 is not on the disk");
    const mounted = `22 21 8:17 / /lab/chip\\0401 rw - ext4 ${disk} rw\n`;
    expect(await seen(mounted)).toBe("/lab/chip 1 is on the disk abc");
    // Another disk mounted over it hides it, and UUIDs are told in capitals, too.
    expect(await seen(`${mounted}23 22 8:33 / /lab/chip\\0401 rw - ext4 /dev/other rw\n`)).toContain(
      "but on /dev/other",
    );
    symlinkSync(disk, join(root, "dev/disk/by-uuid/AB-12"));
    put("proc/self/mountinfo", mounted);
    expect((await uuidFinding("ab-12", "/lab/chip 1", root)).verdict).toBe("good");
  });

  test("knows a remote share by its marker only", async () => {
    expect(await remoteFinding(join(root, "none"))).toMatchObject({ verdict: "bad" });
    expect((await remoteFinding(root)).verdict).toBe("bad");
    const id = "0b8f1c1e-6f0a-4c3c-9d3e-1f0f4a5b6c7d";
    put("phorest-remote.json", "{}");
    expect((await remoteFinding(root)).found).toContain("phorest-remote.json");
    put(
      "phorest-remote.json",
      JSON.stringify({ phorest_remote: 1, remote_id: id, created_at: "2026-03-04T15:20:00Z" }),
    );
    expect((await remoteFinding(root)).verdict).toBe("good");
  });

  test("knocks at the OPC UA server's door", async () => {
    // On a busy machine a door that opens late is no closed one.
    fakeClock();
    const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    expect((await endpointFinding(`opc.tcp://127.0.0.1:${port}/path`)).verdict).toBe("good");
    await new Promise((resolve) => server.close(resolve));
    expect(await endpointFinding(`opc.tcp://127.0.0.1:${port}`)).toMatchObject({
      verdict: "bad",
      found: expect.stringMatching(/no program listens there/),
      cure: expect.any(String),
    });
  });

  test("gives every bad finding its cure, and goes on after a check that throws", async () => {
    const { config } = parseConfig("[Storage]\nmin_free_bytes = 9000000000000000\n", root);
    const broken = { name: "broken", run: () => Promise.reject(new Error("sensor on fire")) };
    const findings: string[] = [];
    for await (const { check, verdict, cure } of diagnose([broken, diskSpace, permissions], config)) {
      findings.push(`${check} ${verdict} ${cure === undefined ? "" : "cured"}`.trim());
    }
    expect(findings).toEqual(["broken bad", "disk space bad cured", "permissions good"]);
  });
});

test("focus is the variance of the Laplacian, alike in 8 and 16 bits; saturation is the share of white", () => {
  const sharp = Uint8Array.from({ length: 100 }, (_, at) => (at % 2 === 0 ? 255 : 0));
  const blurred = Uint8Array.from({ length: 100 }, (_, at) => 10 * (at % 10));
  const of = (pixels: Uint8Array) => sharpnessOf({ pixels, width: 10, height: 10, bitDepth: 8 });
  expect(of(blurred).focus).toBe(0);
  expect(of(sharp)).toMatchObject({ saturated: 0.5, brightness: 127.5 });
  // Columns of white and black: the Laplacian is -510 and 510 in turn, its mean 0.
  expect(of(sharp).focus).toBeCloseTo(510 ** 2, 6);
  const deep = sharpnessOf({ pixels: Uint16Array.from(sharp, (v) => v * 257), width: 10, height: 10, bitDepth: 16 });
  expect(deep.focus).toBeCloseTo(510 ** 2, 3);
  expect(deep.saturated).toBe(0.5);
});
