// What a start that was killed left in the cache.
import { once } from "node:events";
import { mkdirSync, readdirSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { unpack, unpackedName } from "../../src/installation/unpack.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { anything, contents, PACKING, unexpected, unpackingAt } from "./packed.ts";

describe("a directory that is being unpacked", () => {
  it("removes what a killed start left, at once", async () => {
    const place = temporaryDirectory();
    const child = await unpackingAt(place);
    expect(readdirSync(place)).toHaveLength(1);
    child.kill("SIGKILL");
    await once(child, "close");
    unpack(PACKING, contents, [place], anything);
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it("removes it also where another start has finished in the meantime", async () => {
    const place = temporaryDirectory();
    const child = await unpackingAt(place);
    unpack(PACKING, contents, [place], anything);
    // One that is at work is left alone.
    expect(readdirSync(place)).toHaveLength(2);
    child.kill("SIGKILL");
    await once(child, "close");
    unpack(PACKING, unexpected, [place], anything);
    expect(readdirSync(place)).toEqual([unpackedName(PACKING)]);
  });

  it("removes what another machine left only after a long time", () => {
    const place = temporaryDirectory();
    const [old, young] = [".phorest-1.2.3-dead.7-7-00000000.00000000", ".phorest-1.2.3-busy.7-7-00000000.00000001"];
    for (const name of [old, young]) mkdirSync(join(place, name));
    utimesSync(join(place, old), 1, 1);
    unpack(PACKING, contents, [place], anything);
    expect(readdirSync(place).sort()).toEqual([young, unpackedName(PACKING)]);
  });
});
