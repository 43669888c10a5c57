// An experiment on disk with pictures that wait for their copies, and the syncer stage at work on it.
import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { onTestFinished } from "vitest";
import { checkMark, markPlace } from "../../src/archive/directory-identity.ts";
import { parseConfig } from "../../src/config/config.ts";
import { Failure } from "../../src/failure/failure.ts";
import { MANIFEST_FILENAME, Manifest } from "../../src/manifest/manifest.ts";
import { Syncer } from "../../src/stages/syncer/stage.ts";
import { logLines } from "../support/log-lines.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

export const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

export interface Row {
  id: number;
  filename: string;
  directory: string;
  sha256: string | null;
  local: number;
  missing: number;
  image_synced: number;
  remote_path: string | null;
  remote_bytes: number | null;
  remote_sha256: string | null;
}

/** An experiment of `pictures` pictures of 300 kB, all settled, that is to be copied to `remote`. */
export function staged(remote: string, { pictures = 4, sync = "", acceptRemote = false } = {}) {
  const root = temporaryDirectory();
  const toml = `
[Paths]
remote_root_dir = "${remote}"
[Sync]
${sync}
`;
  const { config } = parseConfig(toml, root);
  const { data_dir: data, results_dir: results } = config.Paths;
  for (const directory of [data, results]) mkdirSync(directory);
  const manifestFile = join(data, MANIFEST_FILENAME);
  const manifest = Manifest.open({ file: manifestFile });
  const contents = new Map<string, Buffer>();
  let captured = 0;
  const capture = (name?: string, bytes: Buffer = randomBytes(300_000)): string => {
    captured += 1;
    const filename = name ?? `image_${captured}.png`;
    contents.set(filename, bytes);
    writeFileSync(join(data, filename), bytes);
    manifest.entries.add({ capturedAtUs: captured, filename, bytes: bytes.length, sha256: digest(bytes) });
    for (const claim of manifest.entries.claimPending(1, captured)) {
      manifest.fail(claim, { code: "frame.unreadable", message: "noise", retry: "never" }, captured);
    }
    return filename;
  };
  for (let i = 0; i < pictures; i++) capture();
  const { log, lines } = logLines();
  const nowUs = () => Date.now() * 1000;
  const mark = markPlace(data);
  const checkPlace = () => checkMark(data, mark);
  const open = (accept = acceptRemote) => {
    const syncing = new Syncer({ config, manifest, manifestFile, log, acceptRemote: accept, nowUs, checkPlace });
    onTestFinished(() => syncing.close(1000));
    return syncing;
  };
  const syncing = open();
  onTestFinished(() => manifest.close());
  /** Looks at the rows, or changes them, as another program would. */
  const sql = <T>(text: string): T[] => {
    const db = new Database(manifestFile);
    try {
      const statement = db.prepare<[], T>(text);
      if (statement.reader) return statement.all();
      statement.run();
      return [];
    } finally {
      db.close();
    }
  };
  const rows = () => sql<Row>("SELECT * FROM entry ORDER BY id");
  /** Works until nothing waits; returns the failure that ended it, if one did. */
  const work = async (stage = syncing): Promise<Failure | undefined> => {
    try {
      while (await stage.run(new AbortController().signal));
      return undefined;
    } catch (error) {
      if (error instanceof Failure) return error;
      throw error;
    }
  };
  /** Rows that say they are copied although the share does not hold exactly their picture. */
  const falselySynced = (share = remote) =>
    rows().filter(({ image_synced, filename, remote_path }) => {
      if (image_synced === 0) return false;
      const file = join(share, remote_path ?? "none");
      const bytes = contents.get(filename);
      return bytes === undefined || !existsSync(file) || !readFileSync(file).equals(bytes);
    });
  return {
    root,
    data,
    results,
    manifest,
    config,
    contents,
    capture,
    syncing,
    open,
    sql,
    rows,
    work,
    falselySynced,
    lines,
  };
}
