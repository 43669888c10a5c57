import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openResultsFile } from "../../src/commands/results-file.ts";
import { outputPlace, refreshOutput, writeOutput } from "../../src/system/output-file.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "phorest-output-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A named pipe with a reader that is there already, so that opening it for writing does not wait. */
async function pipe(name: string) {
  const path = join(directory, name);
  execFileSync("mkfifo", [path]);
  const reader = await open(path, constants.O_RDWR | constants.O_NONBLOCK);
  const text = async () => {
    const { buffer, bytesRead } = await reader.read(Buffer.alloc(1000), 0, 1000);
    await reader.close();
    return buffer.toString("utf8", 0, bytesRead);
  };
  return { path, text };
}

test("what is no regular file is written into and stays what it is", async () => {
  for (const [write, given] of [
    [writeOutput, "whole"],
    [writeOutput, ["in ", "pieces"]],
    [refreshOutput, Buffer.from("often")],
  ] as const) {
    const { path, text } = await pipe(`pipe ${String(given)}`);
    await (write as typeof writeOutput)(path, given);
    expect(lstatSync(path).isFIFO()).toBe(true);
    expect(await text()).toBe(Array.isArray(given) ? "in pieces" : String(given));
  }
  expect(readdirSync(directory)).toHaveLength(3);
  await writeOutput("/dev/null", "nothing");
  expect(lstatSync("/dev/null").isCharacterDevice()).toBe(true);
  await expect(writeOutput("/dev/full", "anything")).rejects.toMatchObject({ code: "ENOSPC" });
});

test("of a link the target is written, also one that is not there yet; the link stays", async () => {
  const [target, near, far] = [join(directory, "target.csv"), join(directory, "near"), join(directory, "far")];
  symlinkSync("target.csv", near);
  symlinkSync("near", far);
  await writeOutput(far, ["first\n", "second\n"]);
  expect(readFileSync(target, "utf8")).toBe("first\nsecond\n");
  await refreshOutput(far, Buffer.from("new"));
  expect(readFileSync(target, "utf8")).toBe("new");
  expect([readlinkSync(near), readlinkSync(far), lstatSync(target).isFile()]).toEqual(["target.csv", "near", true]);
  expect(readdirSync(directory).sort()).toEqual(["far", "near", "target.csv"]);
});

test("standard output is written to as it is, whatever is behind it", async () => {
  for (const name of ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", `/proc/${process.pid}/fd/1`]) {
    expect(outputPlace(name)).toMatchObject({ file: undefined, stream: process.stdout });
  }
  expect(outputPlace("/dev/fd/2").stream).toBe(process.stderr);
  const path = join(directory, "behind");
  writeFileSync(path, "before\n");
  const descriptor = openSync(path, "a");
  expect(outputPlace(`/dev/fd/${descriptor}`)).toEqual({
    file: undefined,
    path: expect.stringMatching(new RegExp(`/fd/${descriptor}$`)),
    stream: undefined,
  });
  await writeOutput(`/dev/fd/${descriptor}`, "after\n");
  closeSync(descriptor);
  expect(readFileSync(path, "utf8")).toBe("before\nafter\n");
});

test("records go into a pipe without a file of settings beside it; --resume needs a file", async () => {
  const { path, text } = await pipe("records");
  const { sink } = await openResultsFile(path, "{}", false);
  await sink.write("a record\n");
  await sink.close();
  expect(await text()).toBe("a record\n");
  await expect(openResultsFile("/dev/null", "{}", true)).rejects.toThrow("--resume needs a file; /dev/null is none");
  expect(readdirSync(directory)).toEqual(["records"]);
});
