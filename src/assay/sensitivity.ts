// Finds the sensitivity of each curve, px per RIU: measured with this chip (`phorest sensitivity --save`), else the configured one.
import { readFileSync, statSync } from "node:fs";
import * as z from "zod";
import { sensitivityPath } from "../config/config.ts";
import type { Config } from "../config/schema.ts";
import { Failure } from "../failure/failure.ts";
import { gratingOf } from "../measurement/labels.ts";
import { systemCode } from "../system/fault-of.ts";
import type { Sensitivity } from "./precision.ts";

/**
 * Returns the sensitivity of the ROI or grating with this label; undefined if it is not known. That of a grating is for half the
 * sum of its halves.
 */
export type Sensitivities = (label: string) => Sensitivity | undefined;

/** A measured sensitivity with a larger relative error is not used: the error of a value in RIU would not be a standard error. */
const MOST_ERROR = 0.2;

const FILE = z.object({
  curves: z.array(
    z.object({ label: z.string(), px_per_riu: z.number().nullable(), standard_error: z.number().nullable() }),
  ),
});

/**
 * Reads the sensitivities of an experiment. A half without a measured sensitivity has that of its grating. Failure
 * `config.invalid` if the file of measured ones cannot be read.
 */
export function sensitivitiesFor(config: Pick<Config, "Analysis" | "Assets" | "Paths">): Sensitivities {
  return sensitivityReader(config)();
}

/**
 * Returns a function that gives the sensitivities in force, for a program that keeps running: it reads the file again only if
 * the file has changed, and fails as `sensitivitiesFor` does.
 */
export function sensitivityReader(config: Pick<Config, "Analysis" | "Assets" | "Paths">): () => Sensitivities {
  const path = sensitivityPath(config);
  const { sensitivity_px_per_riu, sensitivity_error_px_per_riu } = config.Analysis;
  const configured =
    sensitivity_px_per_riu === undefined
      ? undefined
      : { pxPerRiu: sensitivity_px_per_riu, errorPxPerRiu: sensitivity_error_px_per_riu };
  let known: { readonly state: string; readonly sensitivities: Sensitivities } | undefined;
  return () => {
    // Before the file is read: if it is replaced in between, the next call reads it again.
    const state = stateOf(path);
    if (known?.state !== state) {
      const measured = measuredIn(path);
      const sensitivities = (label: string) => measured.get(label) ?? measured.get(gratingOf(label)) ?? configured;
      known = { state, sensitivities };
    }
    return known.sensitivities;
  };
}

/** Returns a text that changes with the file. */
function stateOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(" ");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "none";
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
}

function measuredIn(path: string): Map<string, Sensitivity> {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return new Map();
    throw unusable(path, error instanceof Error ? error.message : String(error));
  }
  const found = new Map<string, Sensitivity>();
  for (const { label, px_per_riu: px, standard_error: error } of parsed(path, text).curves) {
    if (px === null || error === null || !(error < MOST_ERROR * Math.abs(px))) continue;
    found.set(label, { pxPerRiu: px, errorPxPerRiu: error });
  }
  return found;
}

function parsed(path: string, text: string): z.infer<typeof FILE> {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw unusable(path, "it is not JSON");
  }
  const checked = FILE.safeParse(content);
  if (checked.success) return checked.data;
  throw unusable(path, "it has no list `curves` with label, px_per_riu and standard_error");
}

function unusable(path: string, why: string): Failure {
  return new Failure("config.invalid", `cannot read the sensitivities in ${path}: ${why}`, {
    hint: "remove it; `phorest sensitivity --save` then writes it again",
  });
}
