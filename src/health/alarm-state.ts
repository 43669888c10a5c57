// Remembers which problems were notified. Each check of the experiment is compared with it. A new problem that lasts long enough
// becomes a notice, and so does its end. It is stored in a file, so that no notice is repeated after a restart.
//
//   new ──lasts──▶ notified ──over in two checks──▶ forgotten
//    └──over──▶ forgotten, no notice was sent
import { readFileSync } from "node:fs";
import * as z from "zod";
import { hasCode } from "../failure/error-code.ts";
import { writeDurably } from "../system/files.ts";
import type { Finding } from "./finding.ts";

const CHANNELS = ["command", "webhook"] as const;
export type Channel = (typeof CHANNELS)[number];

const NOTICE = z.object({
  event: z.enum(["alarm", "recovery"]),
  key: z.string(),
  text: z.string(),
  /** When the problem was first seen, and when this notice was made: ISO 8601, UTC. */
  since: z.string(),
  at: z.string(),
});
/** A notice to people. */
export type Notice = z.output<typeof NOTICE>;

const WAITING = z.object({
  notice: NOTICE,
  /** Channels on which it has not been delivered yet. */
  channels: z.array(z.enum(CHANNELS)),
});

const PROBLEM = z.object({ text: z.string(), sinceUs: z.number(), told: z.boolean(), goneLooks: z.number() });

const ALARM_STATE = z.object({
  version: z.literal(1),
  troubles: z.record(z.string(), PROBLEM),
  outbox: z.array(WAITING),
});
export type AlarmState = z.output<typeof ALARM_STATE>;

export const ALARM_STATE_FILENAME = "phorest.alarms.json";
export const EMPTY_ALARM_STATE: AlarmState = { version: 1, troubles: {}, outbox: [] };

/** A problem that comes and goes is one problem: it is over when it is absent in this many checks in a row. */
const LOOKS_TO_FORGET = 2;
/** Largest number of unsent notices; the oldest are dropped. */
const MOST_WAITING = 200;

/**
 * Returns the alarm state after a check at `nowUs`; the same object if nothing changed. New notices wait in its outbox for
 * `channels`. A `partial` check covers only some possible problems, so it ends none.
 */
export function note(
  alarmState: AlarmState,
  findings: readonly Finding[],
  { nowUs, channels, partial = false }: { nowUs: number; channels: readonly Channel[]; partial?: boolean },
): AlarmState {
  const found = new Map(findings.map((finding) => [finding.key, finding]));
  const troubles: AlarmState["troubles"] = {};
  const notices: Notice[] = [];
  let changed = false;
  const notify = (event: Notice["event"], key: string, text: string, sinceUs: number) =>
    notices.push({ event, key, text, since: iso(sinceUs), at: iso(nowUs) });

  for (const [key, known] of Object.entries(alarmState.troubles)) {
    const finding = found.get(key);
    if (finding?.state === "problem") {
      const notified = known.told || isDue(finding, known.sinceUs, nowUs);
      if (notified && !known.told) notify("alarm", key, finding.text, known.sinceUs);
      const unchanged = notified === known.told && known.goneLooks === 0;
      // A changed text (an age, a count) is no reason to rewrite the file.
      troubles[key] = unchanged ? known : { ...known, text: finding.text, told: notified, goneLooks: 0 };
      changed ||= !unchanged;
    } else if (finding !== undefined || partial) {
      troubles[key] = known;
    } else if (known.told && known.goneLooks + 1 < LOOKS_TO_FORGET) {
      troubles[key] = { ...known, goneLooks: known.goneLooks + 1 };
      changed = true;
    } else {
      if (known.told) notify("recovery", key, known.text, known.sinceUs);
      changed = true;
    }
  }
  for (const finding of findings) {
    if (finding.state !== "problem" || finding.notifyAfterSeconds === undefined || finding.key in alarmState.troubles)
      continue;
    const notified = isDue(finding, nowUs, nowUs);
    if (notified) notify("alarm", finding.key, finding.text, nowUs);
    troubles[finding.key] = { text: finding.text, sinceUs: nowUs, told: notified, goneLooks: 0 };
    changed = true;
  }
  if (!changed) return alarmState;
  const added = channels.length === 0 ? [] : notices.map((notice) => ({ notice, channels: [...channels] }));
  return { version: 1, troubles, outbox: [...alarmState.outbox, ...added].slice(-MOST_WAITING) };
}

/** Returns the alarm state without a notice on a channel, after it was delivered there. */
export function arrived(alarmState: AlarmState, notice: Notice, channel: Channel): AlarmState {
  const outbox = alarmState.outbox.flatMap((waiting) => {
    if (waiting.notice !== notice) return [waiting];
    const channels = waiting.channels.filter((one) => one !== channel);
    return channels.length === 0 ? [] : [{ notice, channels }];
  });
  return { ...alarmState, outbox };
}

/** Drops waiting notices of channels that are no longer configured. */
export function forChannels(alarmState: AlarmState, channels: readonly Channel[]): AlarmState {
  const outbox = alarmState.outbox
    .map(({ notice, channels: wanted }) => ({ notice, channels: wanted.filter((one) => channels.includes(one)) }))
    .filter(({ channels: left }) => left.length > 0);
  return { ...alarmState, outbox };
}

/** Reads the alarm state from a file; empty if there is none. Throws if it cannot be read or parsed. */
export function readAlarmState(path: string): AlarmState {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return EMPTY_ALARM_STATE;
    throw error;
  }
  return ALARM_STATE.parse(JSON.parse(text));
}

export async function writeAlarmState(path: string, alarmState: AlarmState): Promise<void> {
  await writeDurably(path, `${JSON.stringify(alarmState, undefined, 1)}\n`);
}

function isDue({ notifyAfterSeconds }: Finding, sinceUs: number, nowUs: number): boolean {
  return notifyAfterSeconds !== undefined && nowUs - sinceUs >= notifyAfterSeconds * 1e6;
}

function iso(us: number): string {
  return new Date(us / 1000).toISOString();
}
