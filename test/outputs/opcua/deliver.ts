// A delivery to a plant's server, configured by TOML as a person would.
import { join } from "node:path";
import { parseConfig } from "../../../src/config/config.ts";
import type { Config } from "../../../src/config/schema.ts";
import type { Logger } from "../../../src/log/logger.ts";
import type { Manifest } from "../../../src/manifest/manifest.ts";
import { OPC_UA_OUTPUT } from "../../../src/manifest/opcua-output-state.ts";
import { type Delivered, PlantDelivery } from "../../../src/outputs/opcua/delivery.ts";
import { OpcUaOutput } from "../../../src/outputs/opcua/output.ts";
import type { ServerSettings } from "../../../src/outputs/opcua/server-settings.ts";
import { OutputStage } from "../../../src/stages/outputs/output-stage.ts";

export interface NodeEntry {
  readonly node_id?: string;
  readonly browse_path?: string;
  readonly value: string;
  readonly roi?: string;
  readonly data_type?: string;
  readonly scale?: number;
}

/** Time limits for a server that is well on a machine that is busy. */
const PATIENT = ["connect_timeout_seconds", "request_timeout_seconds"];

/** The experiment's config.toml. `lines`: more keys of [OPC_UA]. */
export function toml(endpointUrl: string, nodes: readonly NodeEntry[], lines = 'security_mode = "None"'): string {
  const tables = nodes.map((node) =>
    ["[[OPC_UA.nodes]]", ...Object.entries(node).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)].join("\n"),
  );
  const patient = PATIENT.filter((key) => !lines.includes(key)).map((key) => `${key} = 120`);
  const keys = [`endpoint_url = "${endpointUrl}"`, lines, ...patient];
  return `[Communication]\nmethod = ["CSV_PLOT", "OPC_UA"]\n[OPC_UA]\n${[...keys, ...tables].join("\n")}\n`;
}

export function serverSettings(directory: string, text: string): { server: ServerSettings; nodes: readonly never[] } {
  const { endpoint_url = "", nodes, ...server } = parseConfig(text, directory).config.OPC_UA;
  return { server: { ...server, endpoint_url }, nodes: nodes as readonly never[] };
}

export function delivery(directory: string, manifest: ConstructorParameters<typeof PlantDelivery>[1], text: string) {
  const said: string[] = [];
  const made = new PlantDelivery(
    { ...serverSettings(directory, text), baselineSeconds: 15 },
    manifest,
    (level, message) => level !== "debug" && said.push(`${level} ${message}`),
  );
  return { delivery: made, said, certificates: join(directory, "opcua") };
}

/** What is not delivered by then never will be: before the test's own time is up, with the reason. */
const LONGEST_MS = 240_000;

/** Steps until `wanted` has been passed, through failures, as the stage does. */
export async function deliverUpTo(
  made: PlantDelivery,
  cursor: number,
  wanted: number,
  alarm = "",
): Promise<Delivered[]> {
  const steps: Delivered[] = [];
  const startedMs = performance.now();
  let at = cursor;
  while (at < wanted) {
    if (performance.now() - startedMs > LONGEST_MS)
      throw new Error(`only ${at} of ${wanted}: ${JSON.stringify(steps.at(-1))}`);
    const step = await made.step(at, alarm);
    at = step.cursor;
    steps.push(step);
    if (step.failure !== undefined) await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return steps;
}

/** The OPC UA stage's part as a run has it, without alarms and without anybody who waits for what it sent. */
export function partOf(
  config: Config,
  manifest: Manifest,
  manifestFile: string,
  log: Logger,
): OutputStage<OpcUaOutput> {
  const output = new OpcUaOutput({ config, manifest, manifestFile, log: log.stage("opcua"), alarm: () => "" });
  return new OutputStage(output, { name: OPC_UA_OUTPUT, manifest, runsDamaged: true, advanced: () => undefined });
}
