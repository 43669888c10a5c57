// The page's own files, read into memory once: a request can only name one of them, never a path.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { Failure } from "../failure/failure.ts";
import { packageRoot } from "../system/files.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

export interface Asset {
  readonly type: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly tag: string;
}

/** Returns the files by URL path; "/" is the page. Throws a Failure if the page was not built. */
export function loadAssets(): ReadonlyMap<string, Asset> {
  const directory = join(packageRoot(), "dist", "web");
  if (!existsSync(join(directory, "index.html"))) {
    throw new Failure("internal", `the files of the web page are missing in ${directory}`, {
      hint: "run npm run build, or install phorest again",
    });
  }
  const assets = new Map<string, Asset>();
  for (const name of readdirSync(directory)) {
    const type = TYPES[extname(name)];
    if (type === undefined) continue;
    const bytes = Uint8Array.from(readFileSync(join(directory, name)));
    const tag = `"${createHash("sha256").update(bytes).digest("base64url").slice(0, 22)}"`;
    assets.set(name === "index.html" ? "/" : `/${name}`, { type, bytes, tag });
  }
  return assets;
}
