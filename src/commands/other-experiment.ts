// Refuses to continue another experiment by accident: one whose name or sample is not the configured one.
import confirm from "@inquirer/confirm";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { lastRun } from "../manifest/last-run.ts";
import { counted } from "../system/counted.ts";

/**
 * Asks on a terminal whether an experiment of other identity shall be continued. Failure `usage.invalid` where the answer is no,
 * or nobody can be asked.
 */
export async function checkSameExperiment(config: Config, manifestFile: string, onTerminal: boolean): Promise<void> {
  const found = otherExperiment(config, manifestFile);
  if (found === undefined) return;
  const { frames, differences } = found;
  const what = `${config.Paths.data_dir} holds an experiment with ${counted(frames, "frame")} and other settings (${differences.join("; ")})`;
  if (onTerminal && process.stdin.isTTY === true) {
    if (await confirm({ message: `${what}. Continue it?`, default: false })) return;
  }
  throw new Failure("usage.invalid", what, {
    hint: "start a new one with `phorest new NAME`, or continue this one with `phorest run --continue`",
  });
}

/** What differs from the last run; undefined for the same experiment, and for one without frames. */
function otherExperiment(
  config: Pick<Config, "Experiment">,
  manifestFile: string,
): { readonly frames: number; readonly differences: readonly string[] } | undefined {
  const last = lastRun(manifestFile);
  if (last === undefined || last.frames === 0) return undefined;
  const before = identityIn(last.config);
  const differences = (["name", "sample"] as const).flatMap((key) => {
    const [was, is] = [before[key], config.Experiment[key]];
    // A name that is given later, or left out, is no other experiment.
    return was === undefined || is === undefined || was === is ? [] : [`${key} was "${was}", is "${is}"`];
  });
  return differences.length === 0 ? undefined : { frames: last.frames, differences };
}

/** Of the configuration of an earlier run, as it was stored; that of an older version has no such section. */
export function identityIn(stored: string): { readonly name?: string; readonly sample?: string } {
  const section = tableOf(stored).Experiment;
  if (!isTable(section)) return {};
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const [name, sample] = [text(section.name), text(section.sample)];
  return { ...(name === undefined ? {} : { name }), ...(sample === undefined ? {} : { sample }) };
}

/** What a run stored; empty where that is no configuration, as in a database that was repaired. */
function tableOf(stored: string): Record<string, unknown> {
  if (!stored.startsWith("{")) return {};
  const parsed: unknown = JSON.parse(stored);
  return isTable(parsed) ? parsed : {};
}

const isTable = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
