// Formats the snapshot as lines of text: the output of `phorest status`.

import { outputShownAs } from "../config/output-methods.ts";
import type { KnownShare } from "../manifest/shares.ts";
import { gigabytes, megabytes } from "../system/byte-size.ts";
import { counted } from "../system/counted.ts";
import { agoText } from "../system/duration-text.ts";
import { cameraText } from "./camera-in-use.ts";
import { diskFullText } from "./disk-facts.ts";
import type { Snapshot } from "./snapshot.ts";
import { storedSetAsideText } from "./stored-set-aside.ts";

/** Returns the snapshot as lines of text for people. */
export function formatSnapshot(snapshot: Snapshot): string[] {
  const { counts, lastFrame, opcUa } = snapshot;
  if (snapshot.experiment === "none") {
    if (snapshot.alarms.length > 0) return snapshot.alarms.map((alarm) => `ALARM         ${alarm}`);
    return [`no experiment in ${snapshot.dataDir} yet; \`phorest run\` starts one`];
  }
  const lines = [experimentLine(snapshot)];
  if (snapshot.camera !== undefined) lines.push(`camera        ${cameraText(snapshot.camera.type)}`);
  if (counts !== undefined) {
    const { processed, pending, processing, failed, archived } = counts;
    const behind = snapshot.outputs.map(({ name, waiting }) => `, ${waiting} waiting for ${outputShownAs(name)}`);
    lines.push(
      `frames        ${processed} measured, ${pending + processing} waiting, ${failed} failed${behind.join("")}`,
    );
    lines.push(...analysisLines(snapshot.analyses));
    if (archived > 0) lines.push(`archive       ${counted(archived, "finished frame")}, moved to the archive`);
  }
  if (opcUa !== undefined) {
    const { endpoint, written, refused, withoutStatus, withoutTime } = opcUa;
    lines.push(
      `OPC UA        ${counted(written, "node")} on ${endpoint}, ${refused} refused; ${withoutTime} do not accept a time stamp, ${withoutStatus} no status`,
    );
  }
  if (lastFrame !== undefined)
    lines.push(`last frame    ${lastFrame.filename ?? "no image"} (${lastFrame.capturedAt}, ${lastFrame.status})`);
  const kept =
    counts === undefined ? [] : [`${counted(counts.localImages, "image")} here, ${sizeText(counts.localBytes)}`];
  const free = snapshot.freeBytes === undefined ? [] : [`${sizeText(snapshot.freeBytes)} free`];
  if (kept.length + free.length > 0) lines.push(`disk          ${[...kept, ...free].join(", ")}`);
  const { diskFull } = snapshot;
  if (diskFull !== undefined) {
    lines.push(`              ${diskFullText(diskFull)}`);
  }
  if (snapshot.brightfield > 0) lines.push(`brightfield   ${picturesText(snapshot.brightfield)} here`);
  if (snapshot.shares.length > 0) lines.push(`copies        ${copiesText(snapshot.shares)}`);
  for (const { stage, state, ageSeconds, detail, setAside } of snapshot.stages) {
    const note = detail === "" ? "" : `  ${detail}`;
    lines.push(`${stage.padEnd(14)}${state.replace("_", " ").padEnd(12)} ${agoText(ageSeconds)}${note}`);
    // For an active run, it is among the alarms.
    if (setAside !== undefined && snapshot.experiment !== "running")
      lines.push(`${" ".repeat(14)}${storedSetAsideText(setAside)}`);
  }
  for (const note of snapshot.notes) lines.push(`note          ${note}`);
  for (const alarm of snapshot.alarms) lines.push(`ALARM         ${alarm}`);
  return lines;
}

/** Returns one line per analysis, if there are several. */
function analysisLines(analyses: Snapshot["analyses"]): string[] {
  if (analyses.length < 2) return [];
  return analyses.map(({ name, method, frames, current }, at) => {
    const of = name === method ? "" : `, ${method}`;
    const shown = current ? ", shown by default" : "";
    return `${(at === 0 ? "analyses" : "").padEnd(14)}"${name}"${of}: ${counted(frames, "frame")}${shown}`;
  });
}

/** Returns `1200 images on the current share (id …), 4000 images on an earlier one (id …)`. */
function copiesText(shares: readonly KnownShare[]): string {
  const present = shares.filter(({ inUse }) => inUse);
  const others = shares.filter(({ inUse }) => !inUse);
  return [
    ...present.map(({ remoteId, pictures }) => `${picturesText(pictures)} on the current share (id ${remoteId})`),
    ...others.map(({ remoteId, pictures }) => `${picturesText(pictures)} on an earlier one (id ${remoteId})`),
  ].join(", ");
}

const picturesText = (pictures: number): string => counted(pictures, "image");

function sizeText(bytes: number): string {
  return bytes < 1e9 ? megabytes(bytes) : gigabytes(bytes);
}

function experimentLine({ experiment, pid, startedAt, endedAt, endReason, dataDir, damaged }: Snapshot): string {
  if (damaged && startedAt === undefined) {
    return experiment === "running" ? `running       process ${pid}, ${dataDir}` : `stopped       ${dataDir}`;
  }
  if (experiment === "running") return `running       since ${startedAt}, process ${pid}, ${dataDir}`;
  if (startedAt === undefined) return `stopped       not run yet, ${dataDir}`;
  return `stopped       ${endedAt ?? "interrupted"}${endReason === undefined ? "" : ` (${endReason})`}, ${dataDir}`;
}
