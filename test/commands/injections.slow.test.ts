import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experiment as recorded } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { sharedRun, simulatedChipConfig } from "../web/running.ts";

/** A stopped experiment of four frames, ten seconds apart, from 15:20 UTC. */
function stopped() {
  const root = temporaryDirectory();
  const { manifest, add } = recorded(root, 4);
  add(4);
  manifest.close();
  const ask = (...words: string[]) => phorest(["injections", ...words], root, { TZ: "America/New_York" });
  const listed = async () => JSON.parse((await ask("list", "--json")).stdout) as Record<string, unknown>[];
  return { root, ask, listed };
}

const ANTIBODY = {
  id: 1,
  cycle: 1,
  solution: "antibody",
  type: "sample",
  concentration: 5e-8,
  refractiveIndex: null,
  note: "",
  start: "2026-03-04T15:20:10.000000Z",
  end: "2026-03-04T15:20:30.000000Z",
  dissociationEnd: "2026-03-04T15:21:30.000000Z",
};

test("injections of a stopped experiment are added, changed, removed and listed, and every change is kept", async () => {
  const { ask, listed } = stopped();
  const times = ["--start", "10", "--duration", "20", "--dissociation", "60"];
  expect(await ask("add", "antibody", "--concentration", "50 nM", ...times)).toMatchObject({ code: 0 });
  const ethanol = ["1 % ethanol", "--type", "calibration", "--refractive-index", "1.3336"];
  const window = ["--start", "2026-03-04 15:30", "--end", "2026-03-04T15:31:00Z"];
  expect(await ask("add", ...ethanol, ...window)).toMatchObject({ code: 0 });
  expect(await listed()).toMatchObject([ANTIBODY, { id: 2, cycle: 2, refractiveIndex: 1.3336, concentration: null }]);
  expect(await ask("edit", "1", "--concentration", "5 nM", "--author", "Grace")).toMatchObject({ code: 0 });
  expect(await ask("edit", "1", "--dissociation-end", "none", "--duration", "25")).toMatchObject({ code: 0 });
  expect((await listed())[0]).toMatchObject({ end: "2026-03-04T15:20:35.000000Z", dissociationEnd: null });
  expect(await ask("remove", "2")).toMatchObject({ code: 0 });
  const { stdout } = await ask("list");
  expect(stdout).toMatch(/id +cycle +type +solution +concentration +start \(UTC\)/);
  expect(stdout).toMatch(/ 1 +1 +sample +antibody +5 nM +2026-03-04 15:20:10 +10\.0 +35\.0\n$/);
  const history = (await ask("history")).stdout;
  expect(history).toContain("Grace  injection 1 changed: concentration 50 nM → 5 nM\n");
  expect(history).toMatch(/injection 2 removed\n$/);
});

test("what cannot be done is one line, exit code 2, and changes nothing", async () => {
  const { root, ask, listed } = stopped();
  await ask("add", "antibody", "--start", "0", "--duration", "20");
  writeFileSync(join(root, "half.csv"), "solution,concentration,start,duration_s\nA,50 nM,100,10\nB,50,200,10\n");
  writeFileSync(join(root, "no.csv"), "when,what\n1,2\n");
  writeFileSync(
    join(root, "twice.csv"),
    "solution,concentration,start,duration_s,Concentration\nA,50 nM,100,10,5 nM\n",
  );
  const at = ["--start", "100", "--duration", "10"];
  const wrong: [string[], string][] = [
    [["add", "x", "--start", "100"], "--end needs a time, or --duration in its place"],
    [["add", "x", "--duration", "100"], "--start needs a time"],
    [["add", "x", "--start", "100", "--end", "90"], "before it starts"],
    [["add", "x", "--start", "10", "--duration", "100"], "overlaps injection 1 (antibody"],
    [
      ["add", "x", ...at, "--concentration", "50"],
      '--concentration needs a number and a unit (M, mM, uM, nM, pM, fM), such as "50 nM", not "50"',
    ],
    [["add", "x", ...at, "--type", "blnk"], "blank"],
    [["add", "x", ...at, "--type", "calibration"], "needs the refractive index"],
    [["add", "x", ...at, "--cycle", "0"], "--cycle needs a number from 1"],
    [["edit", "9", "--note", "x"], "there is no injection 9"],
    [["edit", "1"], "nothing to change"],
    [["remove", "1", "9"], "there is no injection 9; nothing was changed"],
    [["import", "half.csv"], "half.csv: line 3: the concentration 50 has no unit"],
    [["import", "no.csv"], "no.csv: line 1 must name the columns solution, start"],
    [["import", "twice.csv"], "twice.csv: line 1 names the column concentration twice"],
    [["import", "none.csv"], "none.csv: there is no such file"],
  ];
  for (const [words, line] of wrong) {
    const { code, stderr } = await ask(...words);
    expect([code, stderr.trim().split("\n").length], words.join(" ")).toEqual([2, 1]);
    expect(stderr).toContain(line);
  }
  expect((await listed()).map(({ solution }) => solution)).toEqual(["antibody"]);
  const { code, stderr } = await phorest(["sensitivity"], root);
  expect(code).toBe(2);
  expect(stderr).toContain("no injection is a calibration");
});

test("a list comes back by import, also one of a spreadsheet with decimal commas", async () => {
  const { root, ask, listed } = stopped();
  writeFileSync(
    join(root, "pump.csv"),
    "\uFEFFSolution;Type;Concentration;Unit;Start;Duration_s;Note\r\nbuffer;blank;0;nM;0;10;\r\nanti-CRP;;12,5;nM;20;10,5;first\r\n",
  );
  expect(await ask("import", "pump.csv")).toMatchObject({ code: 0, stdout: "added 2 injections\n" });
  expect(await listed()).toMatchObject([
    { type: "blank", concentration: 0 },
    { type: "sample", concentration: 1.25e-8, end: "2026-03-04T15:20:30.500000Z", note: "first" },
  ]);
  const there = stopped();
  writeFileSync(join(there.root, "list.csv"), (await ask("list", "--csv")).stdout);
  expect(await there.ask("import", "list.csv")).toMatchObject({ code: 0 });
  expect(await there.listed()).toEqual(await listed());
});

const shared = sharedRun(simulatedChipConfig({ collectorSeconds: 3600 }), 1);

test("while a run is active it makes the changes itself, also those of a pump's program over HTTP", async () => {
  const { directory, running } = shared;
  const ask = (...words: string[]) => phorest(["injections", ...words], directory);
  expect(await ask("add", "antibody", "--start", "0", "--duration", "20")).toMatchObject({ code: 0 });
  expect(await ask("edit", "1", "--note", "slow", "--author", "Grace")).toMatchObject({ code: 0 });
  const [first] = await running.read<{ start: number }[]>("/api/injections");
  const post = (body: object) =>
    fetch(new URL("/api/injections", running.address), {
      method: "POST",
      headers: {
        Authorization: `Bearer ${new URL(running.link).hash.slice("#token=".length)}`,
        "Content-Type": "application/json",
      },
      body: JSON.stringify(body),
    });
  const start = (first?.start ?? 0) + 60_000;
  const pump = { solution: "buffer", type: "blank", concentration: 0, start, end: start + 20_000, author: "pump" };
  expect((await post(pump)).status).toBe(200);
  expect((await post(pump)).status).toBe(400);
  const refused = await ask("edit", "2", "--start", "10");
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining("the run refused the change: injection 2 overlaps"),
  ]);
  expect(await ask("remove", "1")).toMatchObject({ code: 0 });
  expect(await running.read("/api/injections")).toMatchObject([{ id: 2, solution: "buffer", end: start + 20_000 }]);
  const history = (await ask("history")).stdout;
  expect(history).toContain("Grace  injection 1 changed: note none → slow");
  expect(history).toContain("pump  injection 2 added");
});
