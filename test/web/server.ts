// The page's server in this process, over a real manifest.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { parseConfig } from "../../src/config/config.ts";
import type { Failure } from "../../src/failure/failure.ts";
import { MANIFEST_FILENAME } from "../../src/manifest/manifest.ts";
import type { Asset } from "../../src/web/assets.ts";
import { CalibrationSession } from "../../src/web/calibration-session.ts";
import { Evaluator } from "../../src/web/evaluator.ts";
import { Experiment } from "../../src/web/experiment.ts";
import { Live } from "../../src/web/live.ts";
import type { Change } from "../../src/web/messages.ts";
import { end, listen } from "../../src/web/server.ts";
import { experiment, type Experiment as Recorded } from "../outputs/csv/experiment.ts";

export const TOKEN = "a-token-that-is-long-enough-for-every-purpose";
const PAGE: Asset = { type: "text/html", bytes: Uint8Array.from(Buffer.from("<p>page</p>")), tag: '"1"' };

export interface Serving {
  readonly address: string;
  readonly port: number;
  readonly recorded: Recorded;
  readonly live: Live;
  readonly changes: Change[];
  readonly complaints: string[];
}

/** Serves an experiment of `rois` ROIs and `frames` frames until the test ends. `host`: as if it listened there. */
export async function serving({
  host = "127.0.0.1",
  frames = 30,
  rois = 8,
  refuse,
  analysis = "",
}: {
  readonly host?: string;
  readonly frames?: number;
  readonly rois?: number;
  readonly refuse?: Failure;
  /** More lines of [Analysis] in the configuration. */
  readonly analysis?: string;
} = {}): Promise<Serving> {
  const root = mkdtempSync(join(tmpdir(), "phorest-web-"));
  const recorded = experiment(root, rois);
  recorded.add(frames);
  const { config } = parseConfig(`[Analysis]\nbaseline_seconds = 60\n${analysis}\n`, root);
  const manifestFile = join(root, "data", MANIFEST_FILENAME);
  const shown = Experiment.open(
    { config, origins: { "Web.port": "config.toml:3" }, token: TOKEN, manifestFile },
    () => undefined,
  );
  const live = new Live(() => shown.state());
  const calibrating = new CalibrationSession(config, () => undefined);
  const evaluator = new Evaluator({ config, manifestFile }, () => undefined);
  const changes: Change[] = [];
  const complaints: string[] = [];
  const change = async (wanted: Change) => {
    if (refuse !== undefined) throw refuse;
    changes.push(wanted);
  };
  const served = {
    host,
    token: TOKEN,
    assets: new Map([["/", PAGE]]),
    experiment: shown,
    live,
    calibrating,
    evaluator,
    logsDir: join(root, "logs"),
    change,
    complain: (line: string) => complaints.push(line),
  };
  const { server, address } = await listen(served, 0);
  onTestFinished(async () => {
    live.close();
    await end(server);
    await calibrating.close();
    await evaluator.close();
    await shown.close();
    recorded.manifest.close();
    rmSync(root, { recursive: true, force: true });
  });
  const { port } = new URL(address);
  return { address: `http://127.0.0.1:${port}/`, port: Number(port), recorded, live, changes, complaints };
}
