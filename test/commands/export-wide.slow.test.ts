import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { experiment as recorded } from "../outputs/csv/experiment.ts";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** 20 frames of 6 ROIs, ten seconds apart; every third one is far off and flagged by nobody. */
function stopped(config = ""): string {
  const root = temporaryDirectory();
  const { manifest, add } = recorded(root, 6);
  add(20);
  manifest.close();
  writeFileSync(join(root, "config.toml"), config);
  return root;
}

function parsed(csv: string, delimiter = ",") {
  const lines = csv.trimEnd().split("\n");
  const comments = lines.filter((line) => line.startsWith("# "));
  const [header = [], ...rows] = lines.slice(comments.length).map((line) => line.split(delimiter));
  return { comments, header, rows };
}

test("the columns are the numbers of phorest sensorgram, to the last digit", async () => {
  const root = stopped(
    '[Experiment]\nname = "titration"\nsample = "chip 1"\n[Analysis]\nbaseline_seconds = 60\nreference_rois = ["002A*"]\n',
  );
  for (const [quantity, column] of [
    ["shift", "shift_px"],
    ["position", "position_px"],
    ["referenced", "referenced_px"],
    ["standard_error", "standard_error_px"],
  ] as const) {
    const wide = parsed(
      (await phorest(["export", "--format", "csv-wide", "--quantity", quantity, "--no-pairs", "--keep-flagged"], root))
        .stdout,
    );
    const long = parsed((await phorest(["sensorgram"], root)).stdout);
    const [label, at, timeAt] = ["label", column, "timestamp"].map((name) => long.header.indexOf(name));
    expect(wide.rows).toHaveLength(20);
    for (const [index, name] of wide.header.slice(2).entries()) {
      const ofRoi = long.rows.filter((row) => row[label ?? 0] === name);
      expect(wide.rows.map((row) => row[index + 2])).toEqual(ofRoi.map((row) => row[at ?? 0]));
      expect(wide.rows.map((row) => row[1])).toEqual(ofRoi.map((row) => row[timeAt ?? 0]));
    }
    expect(wide.comments).toEqual(expect.arrayContaining(["# experiment: titration", "# sample: chip 1"]));
  }
});

test("one column for each grating; a window, a choice of ROIs, decimal commas", async () => {
  const root = stopped();
  const wide = async (...words: string[]) => (await phorest(["export", "--format", "csv-wide", ...words], root)).stdout;
  expect(parsed(await wide()).header).toEqual(["time_s", "time", "000A", "001A", "002A"]);
  const some = parsed(await wide("--roi", "001*", "--from", "30", "--to", "2026-03-04 15:21:00"));
  expect([some.header.length, some.rows.map(([seconds]) => seconds)]).toEqual([3, ["30", "40", "50", "60"]]);
  const comma = parsed(await wide("--decimal-comma"), ";");
  expect(comma.rows[3]?.slice(2).every((cell) => /^-?\d+(,\d+)?$/.test(cell))).toBe(true);
});

test.each([
  [["--roi", "999*"], 'is named "999*"'],
  [["--from", "2027-01-01"], "no frame is in this window"],
  [["--quantity", "riu"], "or set Analysis.sensitivity_px_per_riu"],
  [["--quantity", "referenced"], "set Analysis.reference_rois"],
])("%s is refused in one line", async (words, line) => {
  const { code, stderr } = await phorest(["export", "--format", "csv-wide", ...words], stopped());
  expect([code, stderr.trim().split("\n").length]).toEqual([2, 1]);
  expect(stderr).toContain(line);
});

test("a reader that knows nothing of phorest reads it: Python's csv module", async () => {
  const { stdout } = await phorest(["export", "--format", "csv-wide"], stopped());
  const script = [
    "import csv, sys",
    "rows = list(csv.DictReader(line for line in sys.stdin if not line.startswith('#')))",
    "print(len(rows), sorted(rows[0])[0], round(sum(float(row['001A']) for row in rows), 9))",
  ].join("\n");
  const sum = parsed(stdout).rows.reduce((total, row) => total + Number(row[3]), 0);
  const [count, first, total] = execFileSync("python3", ["-c", script], { input: stdout, encoding: "utf8" })
    .trim()
    .split(" ");
  expect([count, first]).toEqual(["20", "000A"]);
  expect(Number(total)).toBeCloseTo(sum, 8);
});
