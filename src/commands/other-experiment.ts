// Refuses to continue another experiment by accident: one whose name or sample differs from the configuration.
import confirm from "@inquirer/confirm";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { lastRun } from "../manifest/last-run.ts";
import { counted } from "../system/counted.ts";

/**
 * Asks on a terminal whether to continue an experiment with another name or sample. Throws Failure `usage.invalid` if the answer
 * is no, or if there is no terminal.
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

/** Returns what differs from the last run; undefined if nothing does, or if it has no frames. */
function otherExperiment(
  config: Pick<Config, "Experiment">,
  manifestFile: string,
): { readonly frames: number; readonly differences: readonly string[] } | undefined {
  const last = lastRun(manifestFile);
  if (last === undefined || last.frames === 0) return undefined;
  const before = identityIn(last.config);
  const differences = (["name", "sample"] as const).flatMap((key) => {
    const [was, is] = [before[key], config.Experiment[key]];
    // A name that was added or left out does not make it another experiment.
    return was === undefined || is === undefined || was === is ? [] : [`${key} was "${was}", is "${is}"`];
  });
  return differences.length === 0 ? undefined : { frames: last.frames, differences };
}

/** Returns the identity in the stored configuration of an earlier run; an older version has no such section. */
export function identityIn(stored: string): { readonly name?: string; readonly sample?: string } {
  const section = tableOf(stored).Experiment;
  if (!isTable(section)) return {};
  const text = (value: unknown) => (typeof value === "string" ? value : undefined);
  const [name, sample] = [text(section.name), text(section.sample)];
  return { ...(name === undefined ? {} : { name }), ...(sample === undefined ? {} : { sample }) };
}

/** Parses the stored configuration of a run; empty if it is not one, for example in a repaired database. */
function tableOf(stored: string): Record<string, unknown> {
  if (!stored.startsWith("{")) return {};
  const parsed: unknown = JSON.parse(stored);
  return isTable(parsed) ? parsed : {};
}

const isTable = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
