import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { StateView } from "../../src/web/views.ts";
import { experiment as recorded, START_US } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { sharedRun, simulatedChipConfig } from "../web/running.ts";

/** A stopped experiment of four frames, ten seconds apart, from 15:20 UTC. */
function stopped() {
  const root = temporaryDirectory();
  const { manifest, add } = recorded(root, 4);
  add(4);
  manifest.close();
  const ask = (...words: string[]) => phorest(["markers", ...words], root, { TZ: "America/New_York" });
  const listed = async () =>
    JSON.parse((await ask("list", "--json")).stdout) as { id: number; time: string; text: string }[];
  return { root, ask, listed };
}

test("markers of a stopped experiment are added, changed, removed and listed; a time without a zone is UTC", async () => {
  const { ask, listed } = stopped();
  expect(await ask("add", "buffer", "--at", "20")).toMatchObject({ code: 0 });
  expect(await ask("add", "wash", "--at", "2026-03-04 15:20:05")).toMatchObject({ code: 0 });
  expect(await listed()).toEqual([
    { id: 2, time: "2026-03-04T15:20:05.000000Z", text: "wash" },
    { id: 1, time: "2026-03-04T15:20:20.000000Z", text: "buffer" },
  ]);
  expect(await ask("edit", "2", "--text", "wash 2", "--at", "30")).toMatchObject({ code: 0 });
  expect(await ask("remove", "1")).toMatchObject({ code: 0 });
  expect(await listed()).toEqual([{ id: 2, time: "2026-03-04T15:20:30.000000Z", text: "wash 2" }]);
  const table = await ask("list");
  expect(table.stdout).toMatch(/time \(UTC\).*\n +2 {2}2026-03-04 15:20:30 +30\.0 s {2}wash 2\n/);
});

test("what cannot be done is one line, exit code 2, and changes nothing", async () => {
  const { root, ask, listed } = stopped();
  await ask("add", "buffer", "--at", "0");
  writeFileSync(join(root, "half.csv"), "time,text\n2026-03-04T15:20:00Z,one\nyesterday,two\n");
  writeFileSync(join(root, "no.csv"), "when,what\n1,2\n");
  const wrong: [string[], string][] = [
    [["add", " "], "the text: a text must contain visible characters"],
    [["add", "x", "--at", "noon"], "--at needs a date or time such as 2026-03-04T05:06:07Z"],
    [["edit", "9", "--text", "x"], "there is no marker 9"],
    [["edit", "1"], "give --text, --at, or both"],
    [["remove", "1", "9"], "there is no marker 9; nothing was removed"],
    [["import", "half.csv"], "half.csv: line 3: the time needs a date or time"],
    [["import", "no.csv"], "no.csv: line 1 must name the columns time and text"],
    [["import", "none.csv"], "none.csv: there is no such file"],
  ];
  for (const [words, line] of wrong) {
    const { code, stderr } = await ask(...words);
    expect([code, stderr.trim().split("\n").length], words.join(" ")).toEqual([2, 1]);
    expect(stderr).toContain(line);
  }
  expect((await listed()).map(({ text }) => text)).toEqual(["buffer"]);
});

test("the baseline ends at the first marker, and can be set and reset", async () => {
  const { root, ask } = stopped();
  const baseline = async (...words: string[]) => (await phorest(["baseline", "--json", ...words], root)).stdout;
  expect(JSON.parse(await baseline())).toMatchObject({ from: "2026-03-04T15:20:00.000000Z", origin: "opening" });
  await ask("add", "antibody", "--at", "30");
  expect(JSON.parse(await baseline())).toMatchObject({ to: "2026-03-04T15:20:30.000000Z", origin: "markers" });
  const chosen = { from: "2026-03-04T15:20:10.000000Z", to: "2026-03-04T15:21:00.000000Z", origin: "chosen" };
  expect(JSON.parse(await baseline("10..2026-03-04T15:21:00"))).toMatchObject(chosen);
  expect(JSON.parse(await baseline("--reset"))).toMatchObject({ origin: "markers" });
  const wrong = await phorest(["baseline", "20..10"], root);
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("the baseline needs FROM before TO")]);
});

test("a list comes back by import, also one of a spreadsheet with semicolons", async () => {
  const { root, ask, listed } = stopped();
  writeFileSync(
    join(root, "pump.csv"),
    '\uFEFFTime;Text\r\n0;buffer\r\n2026-03-04T15:20:10+00:00;"antibody; 50 nM"\r\n\r\n',
  );
  expect(await ask("import", "pump.csv")).toMatchObject({ code: 0, stdout: "added 2 markers\n" });
  const there = stopped();
  writeFileSync(join(there.root, "list.csv"), (await ask("list", "--csv")).stdout);
  expect(await there.ask("import", "list.csv")).toMatchObject({ code: 0 });
  expect(await there.listed()).toEqual(await listed());
  expect((await listed()).map(({ text }) => text)).toEqual(["buffer", "antibody; 50 nM"]);
  expect(START_US).toBe(Date.parse((await listed())[0]?.time ?? "") * 1000);
});

const shared = sharedRun(simulatedChipConfig({ collectorSeconds: 3600 }), 1);

test("while a run is active it makes the changes itself", async () => {
  const { directory, running } = shared;
  const ask = (...words: string[]) => phorest(["markers", ...words], directory);
  writeFileSync(join(directory, "two.csv"), "time,text\n0,one\n1,two\n");
  expect(await ask("import", "two.csv")).toMatchObject({ code: 0 });
  expect(await ask("edit", "2", "--text", "three")).toMatchObject({ code: 0 });
  expect(await ask("remove", "1")).toMatchObject({ code: 0 });
  const refused = await ask("edit", "1", "--text", "gone");
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining("the run refused the change: there is no marker 1"),
  ]);
  const { markers } = await running.read<StateView>("/api/state");
  expect(markers.map(({ text }) => text)).toEqual(["three"]);
});
