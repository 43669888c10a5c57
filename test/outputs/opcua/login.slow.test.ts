// A wrong password reaches the server once: servers lock accounts after a few of them.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseConfig } from "../../../src/config/config.ts";
import { createLogger } from "../../../src/log/logger.ts";
import { MANIFEST_FILENAME } from "../../../src/manifest/manifest.ts";
import { OPC_UA_OUTPUT } from "../../../src/manifest/opcua-output-state.ts";
import { readIdentity } from "../../../src/outputs/opcua/identity.ts";
import { inspect } from "../../../src/outputs/opcua/inspect.ts";
import { loadLibrary } from "../../../src/outputs/opcua/library.ts";
import { refusesSecret } from "../../../src/outputs/opcua/login.ts";
import { stageOf } from "../../../src/supervisor/stage.ts";
import { experiment } from "../csv/experiment.ts";
import { deliverUpTo, delivery, type NodeEntry, partOf, serverSettings, toml } from "./deliver.ts";
import { Plant, scratch } from "./plant.ts";

const { directory, gone } = scratch();
const PLAIN: NodeEntry = { node_id: "ns=2;s=Plain", roi: "000A_N", value: "position" };
const passwordFile = join(directory, "password");
let plant: Plant;
let made: ReturnType<typeof experiment>;

beforeAll(async () => {
  made = experiment(directory, 4);
  made.add(2, []);
  plant = await Plant.start({ pki: join(directory, "plant"), allowAnonymous: false, nodes: [{ name: "Plain" }] });
});

afterAll(async () => {
  await plant?.kill();
  made.manifest.close();
  gone();
});

const text = (lines = `user_name = "plant"\npassword_file = "${passwordFile}"`) =>
  toml(plant.endpointUrl, [PLAIN], `security_mode = "None"\n${lines}`);
const secret = (password: string) => writeFileSync(passwordFile, password, { mode: 0o600 });

test("a refused password is sent once, also by the next run, until it changes or a person asks", async () => {
  secret("s3same-wrong");
  const lines = new Set<string>();
  for (let run = 1; run <= 2; run += 1) {
    const { delivery: to } = delivery(directory, made.manifest, text());
    for (let i = 0; i < 10; i += 1) {
      const { failure } = await to.step(0, "");
      expect(failure?.code).toBe("opcua.login");
      lines.add(`${failure?.message} ${failure?.hint}`);
    }
    await to.close();
    expect((await plant.counts()).passwords).toBe(1);
  }
  // One line: it is said once in the log.
  expect([...lines]).toEqual([expect.stringMatching(/log-in of plant: Bad\w+ correct .*password_file.*opcua check/)]);
  expect([...lines][0]).not.toMatch(/s3same|no permission to write/);

  const { server } = serverSettings(directory, text());
  const findings = await inspect(await loadLibrary(() => undefined), server, { targets: [], problems: [] });
  expect(findings.find(({ subject }) => subject === "session")?.text).toMatch(/log-in of plant/);
  expect((await plant.counts()).passwords).toBe(2);

  secret("sesame");
  const { delivery: to } = delivery(directory, made.manifest, text());
  expect((await deliverUpTo(to, 0, 2)).at(-1)?.cursor).toBe(2);
  await to.close();
  expect((await plant.counts()).passwords).toBe(3);
});

test("a session that the server ends is not opened again by the library: one log-in, also where it is refused now", async () => {
  secret("sesame");
  const { delivery: to } = delivery(directory, made.manifest, text());
  await deliverUpTo(to, 0, 2);
  for (const is of ["sesame", "another by now"]) {
    const before = (await plant.counts()).passwords;
    await plant.ask({ do: "password", is });
    await plant.ask({ do: "dropSessions" });
    const logIns = async () => {
      await to.step(2, "");
      return (await plant.counts()).passwords - before;
    };
    await expect.poll(logIns, { timeout: 60_000 }).toBe(1);
    // The library would try every two seconds.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await logIns(), is).toBe(1);
  }
  await plant.ask({ do: "password", is: "sesame" });
  await to.close();
});

test("in ten minutes of a run with a wrong password the server sees one log-in, however often the run looks and tries", {
  timeout: 600_000,
}, async () => {
  secret("wrong for ten minutes");
  const before = (await plant.counts()).passwords;
  const log = createLogger({ level: "error", console: false, rotateSeconds: 3600 });
  made.manifest.outputs.configure([OPC_UA_OUTPUT]);
  const { config } = parseConfig(text(), directory);
  const part = partOf(config, made.manifest, join(directory, "data", MANIFEST_FILENAME), log);
  const { isOver, everyMs } = part.retry.backOffEnd;
  const { backOffMs } = part.retry;
  const minutes = { looks: 0, waits: [] as number[] };
  // The waits of ten minutes in a few seconds: all looks, and more tries than there would be.
  Object.assign(part.retry, {
    backOffEnd: {
      everyMs: 1,
      isOver: () => {
        minutes.looks += 1;
        return isOver();
      },
    },
    backOffMs: (...failed: Parameters<typeof backOffMs>) => {
      minutes.waits.push(backOffMs(...failed));
      return minutes.waits.length < 20 ? 1 : 600_000;
    },
  });
  const stage = stageOf("opcua", part, (report) => part.moved(report));
  try {
    stage.start();
    await expect.poll(() => minutes.looks, { timeout: 400_000 }).toBeGreaterThan(600_000 / everyMs);
    expect(minutes.waits).toHaveLength(20);
    expect(Math.min(...minutes.waits)).toBeGreaterThan(600_000);
    expect((await plant.counts()).passwords - before).toBe(1);
  } finally {
    await stage.stop();
    await part.close(5000);
    await log.close();
  }
});

test("a server that lets nobody in without a name is answered with the cure of a log-in", async () => {
  const { delivery: to } = delivery(directory, made.manifest, text(""));
  const { failure } = await to.step(0, "");
  expect(failure).toMatchObject({ code: "opcua.refused", hint: expect.stringMatching(/OPC_UA\.user_name/) });
});

test("a server that takes no user names is told as that: it refused no password", async () => {
  secret("sesame");
  const other = await Plant.start({ pki: join(directory, "nameless"), noUserNames: true, nodes: [{ name: "Plain" }] });
  try {
    const lines = `security_mode = "None"\nuser_name = "plant"\npassword_file = "${passwordFile}"`;
    const { delivery: to } = delivery(directory, made.manifest, toml(other.endpointUrl, [PLAIN], lines));
    const { failure } = await to.step(0, "");
    expect(failure).toMatchObject({
      code: "opcua.refused",
      message: expect.stringMatching(/does not accept user names with security None/),
      hint: expect.stringMatching(/opcua check lists the supported log-ins/),
    });
  } finally {
    await other.kill();
  }
});

test("answers about the server's state are no refusal of the secret; every other bad answer is", () => {
  const identity = readIdentity({ user_name: "u", password_env: "P" } as never, { P: "x" });
  for (const status of ["BadTooManySessions", "BadServerHalted", "BadSecureChannelClosed", "BadRequestTimeout"]) {
    expect(refusesSecret(identity, status), status).toBe(false);
  }
  for (const status of [
    "BadUserAccessDenied",
    "BadIdentityTokenRejected",
    "BadIdentityTokenInvalid",
    "BadUserSignatureInvalid",
    "BadLicenseExpired",
  ]) {
    expect(refusesSecret(identity, status), status).toBe(true);
  }
  expect(refusesSecret(identity, undefined)).toBe(false);
  expect(refusesSecret({ kind: "anonymous" }, "BadUserAccessDenied")).toBe(false);
});
