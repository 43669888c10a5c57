// Unpacks what the parent packed, and prints where.
import { readFileSync } from "node:fs";
import { cachePlaces, unpack } from "../../../src/installation/unpack.ts";

const [file = "", place = ""] = process.argv.slice(2);
const { packing, contents } = JSON.parse(readFileSync(file, "utf8"));
const places = cachePlaces({ PHOREST_CACHE_DIR: place }, "/nonexistent", "/nonexistent", process.getuid?.() ?? 0);
process.stdout.write(
  unpack(
    packing,
    (path) => Buffer.from(contents[path], "base64"),
    places,
    () => undefined,
  ),
);
