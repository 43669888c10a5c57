// `phorest opcua`: checks the OPC UA server, lists its nodes, trusts its certificate.

import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Argv, CommandModule } from "yargs";
import { capabilitiesOf } from "../cameras/camera.ts";
import { simulatedRoiManifest } from "../cameras/simulated.ts";
import { loadConfig, roiManifestPath } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { wrongOption } from "../evaluation/time-options.ts";
import { Failure } from "../failure/failure.ts";
import { holdsImported } from "../manifest/holds-imported.ts";
import { MANIFEST_FILENAME, Manifest } from "../manifest/manifest.ts";
import type { Outcome } from "../manifest/outcomes.ts";
import { parseRoiManifest, readRoiManifest } from "../measurement/roi.ts";
import { noteAsked } from "../outputs/opcua/asked.ts";
import { type Browsed, browseBelow } from "../outputs/opcua/browse.ts";
import {
  describeCertificate,
  leaf,
  ownCertificate,
  readCertificate,
  revokeCertificate,
  thumbprint,
  trustCertificate,
  trustedCertificate,
  WEAK_KEY_CURE,
  whyOutOfDate,
  whyWeak,
} from "../outputs/opcua/certificates.ts";
import { discover } from "../outputs/opcua/client.ts";
import { shownCertificate } from "../outputs/opcua/failures.ts";
import { type Finding, inspect } from "../outputs/opcua/inspect.ts";
import { loadLibrary } from "../outputs/opcua/library.ts";
import { probe } from "../outputs/opcua/probe.ts";
import { EXPORT_CURE } from "../outputs/opcua/remedies.ts";
import type { ServerSettings } from "../outputs/opcua/server-settings.ts";
import { PlantSession } from "../outputs/opcua/session.ts";
import { mapNodes } from "../outputs/opcua/target.ts";
import { counted } from "../system/counted.ts";
import type { GlobalOptions } from "./global.ts";

type Shared = Partial<Pick<GlobalOptions, "config" | "json" | "log-level">>;

interface BrowseArguments extends Shared {
  node?: string;
  levels?: number;
}

interface TrustArguments extends Shared {
  thumbprint?: string;
  certificate?: string;
  revoke?: boolean;
}

const NOT_WELL = 1;
const OBJECTS_FOLDER = "i=85";

export const opcuaCommand: CommandModule<object, Shared> = {
  command: "opcua",
  describe: "Check the OPC UA server, list its nodes, trust its certificate",
  builder: (yargs: Argv): Argv<Shared> =>
    yargs
      .command<Shared>(
        "check",
        "Connect and check endpoints, limits and every mapped node",
        (of) => of.example("phorest opcua check --config lab.toml", "before the first run"),
        (args) => check(args),
      )
      .command<BrowseArguments>(
        "browse [node]",
        "List the nodes below a node",
        (of) =>
          of
            .positional("node", {
              type: "string",
              describe: "Node id, or a path such as /Objects/2:Chip (default: the Objects folder)",
            })
            .option("levels", { type: "number", requiresArg: true, default: 2, describe: "Number of levels to list" })
            .example('phorest opcua browse "ns=2;s=Chip" --levels 3', "list what is below a node"),
        (args) => browse(args),
      )
      .command<TrustArguments>(
        "trust",
        "Trust the server's certificate from now on",
        (of) =>
          of
            .option("thumbprint", {
              type: "string",
              requiresArg: true,
              describe: "Trust the certificate only if it has this thumbprint",
            })
            .option("certificate", {
              type: "string",
              requiresArg: true,
              describe: "Certificate file, PEM or DER",
            })
            .option("revoke", { type: "boolean", describe: "Stop trusting the certificate" })
            .example(
              "phorest opcua trust --thumbprint 3f2a…",
              "after comparing it with the thumbprint shown on the server",
            ),
        (args) => trust(args),
      )
      .demandCommand(1, "no subcommand given; use opcua check, browse or trust")
      .example("phorest opcua check", "check the server, and how to fix problems"),
  handler: () => undefined,
};

function serverOf(config: Config): ServerSettings {
  const { endpoint_url, nodes: _nodes, ...server } = config.OPC_UA;
  if (endpoint_url !== undefined) return { ...server, endpoint_url };
  throw new Failure("config.invalid", "OPC_UA.endpoint_url is missing", {
    hint: 'set it in the configuration: endpoint_url = "opc.tcp://host:4840"',
  });
}

const library = (args: Shared) =>
  loadLibrary((_level, message) => {
    if (args["log-level"] === "debug") process.stderr.write(`${message}\n`);
  });

const print = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

async function check(args: Shared): Promise<void> {
  const { config } = loadConfig(args.config);
  const server = serverOf(config);
  const labels = await labelsOf(config);
  const mapping = mapNodes(config.OPC_UA.nodes, labels);
  const findings = await inspect(await library(args), server, mapping, latestOf(config, labels));
  noteAsked(server.certificate_dir);
  if (args.json) print(JSON.stringify({ endpoint: server.endpoint_url, findings }, null, 2));
  else {
    print(summaryOf(server.endpoint_url, findings));
    for (const one of findings) {
      print(`${one.well ? "ok  " : "FIX "}  ${findingText(one)}`);
    }
  }
  if (findings.some(({ well }) => !well)) process.exitCode = NOT_WELL;
}

const findingText = ({ subject, text, cure }: Finding): string =>
  `${subject}: ${text}${cure === undefined ? "" : ` (${cure})`}`;

/** Returns the first line of a check: the number of problems, and the first one. */
function summaryOf(url: string, findings: readonly Finding[]): string {
  const wrong = findings.filter(({ well }) => !well);
  const [first] = wrong;
  if (first === undefined) return `${url}: no problems`;
  const count = counted(wrong.length, "problem");
  return `${url}: ${count}; first: ${findingText(first)}`;
}

/** Returns the labels of the ROIs that the next run will have; if unknown, those of the last run. */
async function labelsOf(config: Config): Promise<readonly string[]> {
  const file = roiManifestPath(config);
  if (existsSync(file)) return (await readRoiManifest(file)).rois.map(({ label }) => label);
  const manifestFile = join(config.Paths.data_dir, MANIFEST_FILENAME);
  if (capabilitiesOf(config.Camera.camera_type).simulated && !holdsImported(manifestFile)) {
    return parseRoiManifest(simulatedRoiManifest(config), file).rois.map(({ label }) => label);
  }
  if (!existsSync(manifestFile)) return [];
  const manifest = Manifest.open({ file: manifestFile, readonly: true });
  try {
    return manifest.analyses.all().at(-1)?.labels ?? [];
  } finally {
    manifest.close();
  }
}

/** Returns the last measured frame; undefined if there is none with these ROIs. */
function latestOf(config: Config, labels: readonly string[]): Outcome | undefined {
  const manifestFile = join(config.Paths.data_dir, MANIFEST_FILENAME);
  if (!existsSync(manifestFile)) return undefined;
  const manifest = Manifest.open({ file: manifestFile, readonly: true });
  try {
    const [latest] = manifest.outcomes.after(Math.max(0, manifest.outcomes.lastId() - 1), 1);
    return latest?.labels.join("\n") === labels.join("\n") ? latest : undefined;
  } finally {
    manifest.close();
  }
}

async function browse(args: BrowseArguments): Promise<void> {
  const { node = OBJECTS_FOLDER, levels = 2 } = args;
  if (!Number.isInteger(levels) || levels < 1) {
    throw wrongOption("--levels", "a whole number of at least 1", levels);
  }
  const server = serverOf(loadConfig(args.config).config);
  const session = await PlantSession.open(await library(args), server, { asked: true });
  noteAsked(server.certificate_dir);
  try {
    const found: Browsed[] = [];
    for await (const one of browseBelow(session, node, levels)) {
      if (args.json) found.push(one);
      else print(browsedLine(one));
    }
    if (args.json) print(JSON.stringify(found, null, 2));
  } finally {
    await session.close();
  }
}

function browsedLine({ depth, browseName, nodeId, nodeClass, dataType, access }: Browsed): string {
  const about = nodeClass === "Variable" ? [dataType ?? "unknown type", access ?? "none"] : [nodeClass];
  return ["  ".repeat(depth) + browseName, nodeId, ...about].join("  ");
}

async function trust(args: TrustArguments): Promise<void> {
  const server = serverOf(loadConfig(args.config).config);
  const { certificate_dir: directory, endpoint_url: url } = server;
  if (args.revoke) {
    const was = revokeCertificate(directory, url);
    print(was ? `${url} is no longer trusted` : `${url} was not trusted`);
    return;
  }
  const der = args.certificate === undefined ? await shownBy(args, server) : readCertificate(args.certificate);
  const about = describeCertificate(der);
  const wanted = args.thumbprint?.replaceAll(/[^0-9a-f]/gi, "").toLowerCase();
  if (wanted !== undefined && wanted !== about.thumbprint) {
    throw new Failure("opcua.untrusted", `${url} has the certificate ${thumbprint(der)}, not ${wanted}`, {
      hint: "nothing was changed; ask the operator of the server",
    });
  }
  const weak = server.unsafe_short_keys ? undefined : whyWeak(new X509Certificate(der));
  if (weak !== undefined) throw new Failure("opcua.untrusted", `the certificate ${weak}`, { hint: WEAK_KEY_CURE });
  const ended = whyOutOfDate(new X509Certificate(der));
  if (wanted === undefined) await checkReplacement(server, der);
  const file = await trustCertificate(directory, url, der);
  noteAsked(directory);
  if (args.json) print(JSON.stringify({ endpoint: url, file, ...about }, null, 2));
  else {
    print(`trusted for ${url}: ${about.subject}`);
    print(`thumbprint  ${about.thumbprint}  (compare it with the one shown on the server)`);
    print(`valid       ${about.validFrom} to ${about.validTo}`);
    if (ended !== undefined) print(`not usable  the certificate ${ended}; phorest will not connect with it`);
    print(`stored in   ${file}`);
  }
}

/**
 * Asks the user to confirm a changed certificate, which could belong to an attacker. Throws Failure `opcua.untrusted` if it is
 * not confirmed.
 */
async function checkReplacement({ certificate_dir, endpoint_url: url }: ServerSettings, der: Buffer): Promise<void> {
  const trusted = trustedCertificate(certificate_dir, url);
  if (trusted === undefined || thumbprint(leaf(trusted)) === thumbprint(der)) return;
  const [old, fresh] = [describeCertificate(trusted), describeCertificate(der)];
  if (process.stdin.isTTY && process.stderr.isTTY) {
    const line = (name: string, { thumbprint: print, subject, validFrom, validTo }: typeof old) =>
      process.stderr.write(`${name}  ${print}  ${subject}, ${validFrom} to ${validTo}\n`);
    process.stderr.write(`The certificate of ${url} differs from the trusted one.\n`);
    line("trusted", old);
    line("new    ", fresh);
    const asking = createInterface({ input: process.stdin, output: process.stderr });
    const question = "Was it renewed on purpose? Type yes to trust the new certificate: ";
    const answer = await asking.question(question).catch(noAnswer);
    asking.close();
    if (answer.trim().toLowerCase() === "yes") return;
  }
  const both = `the certificate ${fresh.thumbprint} of ${url} is not the trusted one, ${old.thumbprint}`;
  throw new Failure("opcua.untrusted", `${both}: nothing was changed`, {
    hint: `ask the operator of the server; if it was renewed: phorest opcua trust --thumbprint ${fresh.thumbprint}`,
  });
}

/** The user pressed Ctrl-C or Ctrl-D instead of answering. */
function noAnswer(error: unknown): string {
  if (!(error instanceof Error) || error.name !== "AbortError") throw error;
  process.stderr.write("\n");
  return "";
}

/** Returns the public certificate of the server. */
async function shownBy(args: Shared, server: ServerSettings): Promise<Buffer> {
  const { endpoint_url: url } = server;
  await probe(url, server.connect_timeout_seconds * 1000);
  const own = await ownCertificate(server.certificate_dir);
  const client = await library(args);
  const endpoints = await discover(client, server, own).catch((cause: unknown) => {
    if (cause instanceof Failure) throw cause;
    throw new Failure("opcua.refused", `${url}: the server does not describe its endpoints`, {
      hint: EXPORT_CURE,
      cause,
    });
  });
  const shown = shownCertificate(client, endpoints, server);
  if (shown !== undefined) return leaf(shown);
  throw new Failure("opcua.refused", `${url} has no certificate`, { hint: 'it offers security_mode = "None" only' });
}
