import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { initRemote, inspectRemote, MARKER_FILENAME } from "../../src/archive/remote.ts";
import { mountOf } from "../../src/system/mounts.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { CAN_MOUNT, markedShare } from "./share.ts";

describe("init-remote", () => {
  test("marks a directory once; a second time changes nothing and names the same id", async () => {
    const root = temporaryDirectory();
    const first = await initRemote(root, []);
    const bytes = readFileSync(first.marker, "utf8");
    const second = await initRemote(root, []);
    expect(first.made).toBe(true);
    expect(second).toMatchObject({ made: false, remoteId: first.remoteId });
    expect(readFileSync(first.marker, "utf8")).toBe(bytes);
  });

  test("refuses what can be no remote: absent, a file, around or inside the experiment's own data", async () => {
    const root = temporaryDirectory();
    const data = join(root, "data");
    mkdirSync(join(data, "deep"), { recursive: true });
    writeFileSync(join(root, "file"), "");
    await expect(initRemote(join(root, "none"), [])).rejects.toThrow("does not exist");
    await expect(initRemote(join(root, "file"), [])).rejects.toThrow("not a directory");
    await expect(initRemote(root, [data])).rejects.toThrow(`contains ${data} of the experiment`);
    await expect(initRemote(join(data, "deep"), [data])).rejects.toThrow(/is inside .* of the experiment/);
    await expect(initRemote(data, [data])).rejects.toThrow("of the experiment");
  });

  test("leaves a marker alone that it cannot understand", async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, MARKER_FILENAME), "{}");
    await expect(initRemote(root, [])).rejects.toThrow("cannot read the existing marker file");
    expect(readFileSync(join(root, MARKER_FILENAME), "utf8")).toBe("{}");
  });

  test("warns where the copy would lie on the same disk as the original", async () => {
    const root = temporaryDirectory();
    const remote = join(root, "remote");
    mkdirSync(remote);
    mkdirSync(join(root, "data"));
    expect((await initRemote(remote, [join(root, "data")])).warnings[0]).toContain("same disk");
  });
});

describe("the state of a remote root", () => {
  test("absent, a file, unmarked, damaged: each has its own words and a remedy", () => {
    const root = temporaryDirectory();
    expect(inspectRemote(join(root, "none"))).toMatchObject({
      state: "absent",
      remedy: expect.stringContaining("mount"),
    });
    writeFileSync(join(root, "file"), "");
    expect(inspectRemote(join(root, "file")).state).toBe("not_a_directory");
    const empty = join(root, "empty");
    mkdirSync(empty);
    expect(inspectRemote(empty)).toMatchObject({ state: "unmarked", words: expect.stringContaining("not mounted") });
    writeFileSync(join(empty, MARKER_FILENAME), '{"phorest_remote": 1}');
    expect(inspectRemote(empty).state).toBe("damaged");
  });

  test("ready names the file system; another id is another share", async () => {
    const root = temporaryDirectory();
    const { remoteId } = await initRemote(root, []);
    const found = inspectRemote(root, remoteId);
    expect(found).toMatchObject({ state: "ready", remoteId, remedy: "" });
    expect(found.mount?.type).toBeTruthy();
    expect(inspectRemote(root, "0b8e7a54-0000-4000-8000-000000000000")).toMatchObject({ state: "other", remoteId });
  });

  test.skipIf(!CAN_MOUNT)("mounted, unmounted, another one mounted there, read-only, full", async () => {
    const { share, remoteId } = await markedShare("2m");
    expect(inspectRemote(share.point, remoteId)).toMatchObject({
      state: "ready",
      mount: { type: "tmpfs", point: share.point },
    });
    share.writable(false);
    expect(inspectRemote(share.point, remoteId)).toMatchObject({ state: "read_only", mount: { readOnly: true } });
    share.writable(true);
    writeFileSync(join(share.point, "big"), new Uint8Array(1_800_000));
    expect(inspectRemote(share.point, remoteId).state).toBe("full");
    share.unmount();
    expect(inspectRemote(share.point, remoteId).state).toBe("unmarked");
    share.mount();
    expect(inspectRemote(share.point, remoteId)).toMatchObject({
      state: "unmarked",
      words: expect.stringContaining("no marker file"),
    });
    await initRemote(share.point, []);
    expect(inspectRemote(share.point, remoteId).state).toBe("other");
  });

  test.skipIf(process.getuid?.() !== 0)("permission denied", async () => {
    const root = temporaryDirectory();
    chmodSync(root, 0o755);
    await initRemote(root, []);
    const script = fileURLToPath(new URL("children/inspect.ts", import.meta.url));
    const { stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", script, root], { encoding: "utf8" });
    expect(stdout, stderr).toContain("denied");
  });
});

test("a mount table is read with blanks in names, and the later of two mounts on one point wins", () => {
  const directory = temporaryDirectory();
  const table = [
    "1 0 8:1 / / rw - ext4 /dev/sda1 rw",
    `2 1 0:50 / ${directory} rw,relatime shared:9 - cifs //server/my\\040share rw`,
    `3 2 0:51 / ${directory} ro,relatime - nfs4 server:/x rw`,
    `4 1 0:52 / ${directory}-beside rw - tmpfs tmpfs rw`,
  ];
  expect(mountOf(directory, table.slice(0, 2).join("\n"))).toMatchObject({ type: "cifs", source: "//server/my share" });
  expect(mountOf(directory, table.join("\n"))).toMatchObject({ id: 3, device: "0:51", readOnly: true });
  expect(mountOf("/", table.join("\n"))).toMatchObject({ id: 1 });
});
