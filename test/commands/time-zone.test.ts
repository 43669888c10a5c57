// A rule of all commands: --tz is the zone of every time that is shown to people, and of every typed time that names none.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { experiment } from "../outputs/csv/experiment.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { allCommands, runHere } from "./command-table.ts";

let root = "";
const run = (...words: string[]) => runHere([...words, "--config", join(root, "config.toml")]);

/** 20 frames, ten seconds apart, from 2026-03-04 15:20 UTC, which is 00:20 of the next day in Tokyo. */
beforeAll(async () => {
  root = temporaryDirectory();
  const { manifest, add, findAgain } = experiment(root, 6);
  add(10);
  findAgain(2);
  add(10);
  manifest.close();
  mkdirSync(join(root, "logs"));
  writeFileSync(join(root, "logs", "collector.log"), "2026-03-04T15:20:00.000Z info collector: captured\n");
  await run("markers", "add", "wash", "--at", "2026-03-05 00:21", "--tz", "Asia/Tokyo");
  await run("injections", "add", "buffer", "--start", "2026-03-05 00:21", "--duration", "30", "--tz", "Asia/Tokyo");
});

test("every command refuses a zone that there is not, and names the nearest", async () => {
  for (const { words, demanded } of await allCommands()) {
    const { stderr } = await run(...words, ...demanded.map(({ value }) => value), "--tz", "Europe/Berln");
    expect(stderr, words.join(" ")).toBe('--tz: there is no time zone "Europe/Berln"; did you mean Europe/Berlin?\n');
  }
});

test.each([
  "status",
  "health",
  "logs",
  "analyses",
  "baseline",
  "markers list",
  "injections list",
  "injections add buffer --start 130 --duration 20",
  "injections history",
  "sensorgram --summary",
  "compare ROOT ROOT",
  "map shift --at 2026-03-05T09:00",
  "export --format csv --from 2027-01-01",
])("phorest %s shows times in the zone of --tz, and names it", async (line) => {
  const { stdout, stderr } = await run(...line.replaceAll("ROOT", root).split(" "), "--tz", "Asia/Tokyo");
  expect(stdout + stderr).not.toMatch(/\d\d:\d\d(:[\d.]+)?(Z| UTC)/);
  expect(stdout + stderr).toMatch(/2026-03-05 00:2\d/);
  expect(stdout + stderr).toContain("Asia/Tokyo");
});

const [UTC, TOKYO] = ["2026-03-04 15:22", "2026-03-05 00:22"];
test.each([
  ["export --format csv --out OUT --from"],
  ["export --format csv-wide --out OUT --to"],
  ["sensorgram --out OUT --from"],
  ["figure curves --out MAP.svg --csv OUT --from"],
  ["figure curves --out MAP.svg --csv OUT --to"],
  ["map shift --out MAP.svg --csv OUT --at"],
])("%s reads a time in the zone of --tz", async (line) => {
  const written = async (name: string, time: string, ...zone: string[]) => {
    const words = line.replace("OUT", join(root, name)).replace("MAP", join(root, name)).split(" ");
    const { stderr, failure } = await run(...words, time, ...zone);
    expect(failure, stderr).toBeUndefined();
    return readFileSync(join(root, name), "utf8");
  };
  const whole = await written("utc", UTC);
  expect(await written("tokyo", TOKYO, "--tz", "Asia/Tokyo")).toBe(whole);
  expect(await written("later", "2026-03-04 15:22:30")).not.toBe(whole);
});

test.each(["markers", "injections"])("%s import reads the times of a file in the zone of --tz", async (command) => {
  const file = join(root, "events.csv");
  writeFileSync(file, `time,text,solution,start,end\n${TOKYO}:30,later,later,${TOKYO}:30,${TOKYO}:40\n`);
  const { failure, stderr } = await run(command, "import", file, "--tz", "Asia/Tokyo");
  expect(failure, stderr).toBeUndefined();
  const listed = JSON.parse((await run(command, "list", "--json")).stdout) as { time?: string; start?: string }[];
  expect(listed.map(({ time, start }) => time ?? start)).toContain("2026-03-04T15:22:30.000000Z");
});
