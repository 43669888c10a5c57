// What an import may name, and what becomes of pictures that are another program's: they are read, and never touched.
import { existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { initRemote } from "../../src/archive/remote.ts";
import { command } from "../run/commands.ts";
import { experiment, QUICK_CONFIG } from "../run/program.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { established, filesBelow, picture, simulatedRois, stateOf, writeMetadata } from "./experiments.ts";

/** Everything that may ever change or remove a picture is on. */
function greedy(remote: string, { camera = false, sync = true } = {}): string {
  const timing = "[Timing]\nsync_interval_seconds = 0.2\ncompress_interval_seconds = 0.2";
  return `${QUICK_CONFIG.replace("[Timing]", timing)}
[Services]
enable_camera = ${camera}
enable_remote_sync = ${sync}
enable_image_compression = true
[Paths]
remote_root_dir = "${remote}"
[Sync]
keep_local = false
[Buffer]
image_buffer_size = 1
[Compression]
min_saving_percent = 0
`;
}

interface Row {
  filename: string;
  directory: string;
  status: string;
  local: number;
  missing: number;
  image_synced: number;
  compression_attempted: number;
  error_code: string | null;
  sha256: string | null;
  bytes: number | null;
}

function rowsOf(directory: string): Row[] {
  const db = new Database(join(directory, "data", "phorest.sqlite"), { readonly: true });
  try {
    return db.prepare<[], Row>("SELECT * FROM entry ORDER BY id").all();
  } finally {
    db.close();
  }
}

async function run(directory: string, ...args: string[]): Promise<string> {
  const ended = await command(["run", "--until-idle", ...args], directory);
  expect(ended.code, ended.stderr).toBe(0);
  return ended.stdout + ended.stderr;
}

async function imported(directory: string, ...args: string[]) {
  // As calibrated: a run makes up no ROIs for imported images.
  mkdirSync(join(directory, "generated_files"), { recursive: true });
  writeFileSync(join(directory, "generated_files/ROI_manifest.json"), simulatedRois());
  const ended = await command(["import", ...args], directory);
  expect(ended.code, ended.stderr).toBe(0);
  return ended;
}

test("a metadata manifest that names other files than pictures takes none of them", async () => {
  const remote = temporaryDirectory();
  const victim = temporaryDirectory();
  const old = temporaryDirectory();
  writeFileSync(join(victim, "id_rsa"), "secret");
  writeFileSync(join(victim, "thesis.docx"), "report");
  writeFileSync(join(victim, "chart.png"), await picture(1));
  writeFileSync(join(old, "good.png"), await picture(2));
  writeFileSync(join(old, "notes.txt"), "notes");
  symlinkSync(join(victim, "chart.png"), join(old, "link.png"));
  symlinkSync(victim, join(old, "away"));
  mkdirSync(join(old, "directory.png"));
  const names: [string, string][] = [
    ["id_rsa", victim],
    ["thesis.docx", `../${victim.split("/").at(-1)}`],
    ["notes.txt", old],
    [`../${victim.split("/").at(-1)}/chart.png`, old],
    [join(victim, "chart.png"), ""],
    ["link.png", old],
    ["directory.png", old],
    ["chart.png", victim],
    ["chart.png", "away"],
    ["..", old],
    ["nul\0.png", old],
    ["good.png", old],
  ];
  writeMetadata(
    old,
    names.map(([name, path], at) => established(at, name, path, { processing_status: "pending" })),
  );
  const directory = experiment(greedy(remote));
  await initRemote(remote, []);
  const before = [stateOf(victim), stateOf(old)];
  const { stdout, stderr } = await imported(directory, old);
  expect(stdout).toContain("12 captures, 2 new: 1 pending, 0 processed, 1 failed");
  expect(stdout).toMatch(/\d+ skipped: .*3 because it is not the name of an image/);
  expect(stdout).toContain(`missing images belong to ${victim}`);
  for (const name of ["id_rsa", "thesis.docx", "notes.txt", "link.png", "directory.png", "nul\\u0000.png"]) {
    expect(stderr).toContain(`${name}: skipped: `);
  }
  await run(directory);
  expect([stateOf(victim), stateOf(old)]).toEqual(before);
  expect(filesBelow(remote).filter((name) => /elsewhere/.test(name))).toEqual([
    join("elsewhere", old, "good.png").replace("elsewhere//", "elsewhere/"),
  ]);
});

test.each(["ring buffer", "compressor", "move"])("no row of any age makes the %s take the database", async (kind) => {
  const remote = temporaryDirectory();
  const directory = experiment(greedy(remote, { camera: true, sync: kind === "move" }));
  await initRemote(remote, []);
  await run(directory, "--frames", "2");
  const old = temporaryDirectory();
  const data = join(directory, "data");
  writeMetadata(old, [established(0, "phorest.sqlite", data), established(1, "phorest.sqlite", "")]);
  writeFileSync(join(old, "phorest.sqlite"), "of another program");
  expect((await imported(directory, old)).stdout).toContain("2 captures, 0 new");
  // As an earlier version would have imported them.
  writeFileSync(join(data, "notes.txt"), "notes");
  const db = new Database(join(data, "phorest.sqlite"));
  for (const [at, name] of ["phorest.sqlite", "notes.txt", "../config.toml", "../web_token"].entries()) {
    for (const status of ["processed", "failed"]) {
      const taken = status === "failed" ? `./${name}` : name;
      db.prepare(`
        INSERT INTO entry (origin, captured_at_us, directory, filename, status, data_transmitted, measured)
        VALUES ('imported', ?, '.', ?, ?, 1, 1)`).run(at, taken, status);
    }
  }
  db.close();
  writeFileSync(join(directory, "web_token"), "token");
  const output = await run(directory, "--frames", "3");
  expect(output).toContain("not opened: its file name is not the name of an image");
  const kept = ["data/phorest.sqlite", "data/notes.txt", "config.toml", "web_token"];
  for (const name of kept) expect(existsSync(join(directory, name)), name).toBe(true);
  expect(readFileSync(join(data, "notes.txt"), "utf8")).toBe("notes");
  expect(
    filesBelow(data)
      .filter((name) => /sqlite|notes/.test(name))
      .sort(),
  ).toEqual(["notes.txt", "phorest.sqlite"]);
  const shared = filesBelow(remote).filter(
    (name) => /notes|token|config\.toml|\.gz$/.test(name) && !/\.png/.test(name),
  );
  expect(shared).toEqual([]);
  const verified = await command(["verify"], directory);
  expect(verified.code, verified.stdout).toBe(0);
});

test("pictures of an imported experiment are copied to the share and stay as they are, whatever is on", async () => {
  const remote = temporaryDirectory();
  const old = temporaryDirectory();
  const entries: object[] = [];
  for (let number = 0; number < 4; number++) {
    writeFileSync(join(old, `frame${number}.png`), await picture(number));
    const status = number % 2 === 0 ? "processed" : "pending";
    entries.push(established(number, `frame${number}.png`, old, { processing_status: status }));
  }
  writeMetadata(old, entries);
  const directory = experiment(greedy(remote));
  await initRemote(remote, []);
  await imported(directory, old);
  const before = stateOf(old);
  for (const round of [1, 2]) {
    await run(directory);
    expect(stateOf(old), `round ${round}`).toEqual(before);
  }
  for (const row of rowsOf(directory)) {
    expect(row).toMatchObject({ directory: old, local: 1, missing: 0, image_synced: 1, compression_attempted: 1 });
  }
  expect(filesBelow(remote).filter((name) => name.endsWith(".png") && name.startsWith("elsewhere"))).toHaveLength(4);
  // Nor when a picture is gone, or something else is in its place.
  renameSync(join(old, "frame0.png"), join(old, "kept.bin"));
  writeFileSync(join(old, "frame1.png"), "something else");
  const after = stateOf(old);
  await run(directory);
  await command(["verify", "--repair"], directory);
  await run(directory);
  expect(stateOf(old)).toEqual(after);
});

test("--adopt copies the pictures in, verified, under names that overwrite nothing; from then on they are our own", async () => {
  const remote = temporaryDirectory();
  const old = temporaryDirectory();
  const [first, second] = [await picture(1), await picture(2)];
  writeFileSync(join(old, "a.png"), first);
  writeFileSync(join(old, "b.png"), second);
  writeFileSync(join(old, "thesis.docx"), "report");
  writeMetadata(old, [established(1, "a.png", ""), established(2, "b.png", ""), established(3, "thesis.docx", "")]);
  const directory = experiment(greedy(remote));
  await initRemote(remote, []);
  const data = join(directory, "data");
  mkdirSync(data);
  const other = await picture(9);
  writeFileSync(join(data, "a.png"), other);
  const before = stateOf(old);
  // Imported where they are at first, and copied in later.
  expect((await imported(directory, old)).stdout).toContain("2 new");
  const { stdout } = await imported(directory, old, "--adopt");
  expect(stdout).toContain("0 new");
  expect(stdout).toContain("2 images copied into the data directory and verified");
  expect(readFileSync(join(data, "a.png")).equals(other)).toBe(true);
  expect(readFileSync(join(data, "a-1.png")).equals(first)).toBe(true);
  expect(readFileSync(join(data, "b.png")).equals(second)).toBe(true);
  expect(rowsOf(directory)).toMatchObject([
    { directory: ".", filename: "a-1.png", bytes: first.length, local: 1 },
    { directory: ".", filename: "b.png", bytes: second.length, local: 1 },
  ]);
  expect((await imported(directory, old, "--adopt")).stdout).not.toContain("copied into");
  expect(rowsOf(directory)).toHaveLength(2);
  await run(directory);
  expect(stateOf(old)).toEqual(before);
  const moved = rowsOf(directory).filter(({ filename }) => /^(a-1|b)\.png/.test(filename));
  expect(moved).toMatchObject([
    { local: 0, image_synced: 1 },
    { local: 0, image_synced: 1 },
  ]);
  expect(existsSync(join(data, "b.png"))).toBe(false);
});

test("a copy of an import that was killed before its row is found again and not copied twice", async () => {
  const old = temporaryDirectory();
  writeFileSync(join(old, "a.png"), await picture(1));
  writeMetadata(old, [established(1, "a.png", "")]);
  const directory = experiment(QUICK_CONFIG);
  mkdirSync(join(directory, "data"));
  writeFileSync(join(directory, "data", "a.png"), await picture(1));
  await imported(directory, old, "--adopt");
  expect(rowsOf(directory)).toMatchObject([{ directory: ".", filename: "a.png", status: "processed" }]);
  expect(filesBelow(join(directory, "data")).filter((name) => name.endsWith(".png"))).toEqual(["a.png"]);
});

test("pictures on another disk are taken once that directory is named", async () => {
  const elsewhere = temporaryDirectory();
  const old = temporaryDirectory();
  writeFileSync(join(elsewhere, "a.png"), await picture(1));
  writeMetadata(old, [established(1, "a.png", elsewhere, { processing_status: "pending" })]);
  const directory = experiment(QUICK_CONFIG.replace("[Timing]", "[Services]\nenable_camera = false\n[Timing]"));
  expect((await imported(directory, old)).stdout).toContain("1 image not found");
  expect(rowsOf(directory)).toMatchObject([{ directory: old, missing: 1, status: "failed" }]);
  // The row waits for it in the imported directory, and nowhere else.
  await run(directory);
  expect(rowsOf(directory)).toMatchObject([{ missing: 1, status: "failed" }]);
  expect((await imported(directory, old, "--pictures", elsewhere)).stdout).toContain("1 image found");
  await run(directory);
  expect(rowsOf(directory)).toMatchObject([{ directory: elsewhere, missing: 0, status: "processed" }]);
  expect((await command(["import", old, "--pictures", join(old, "none")], directory)).code).toBe(2);
});
