// Sends the notices in the alarm state to their channels, in order. A failure ends a channel's round, and the next attempt waits
// longer. Never throws because of a receiver.
import { hostname } from "node:os";
import { failureLine } from "../failure/failure.ts";
import { backOff } from "../system/back-off.ts";
import { type AlarmState, arrived, type Channel, type Notice } from "./alarm-state.ts";
import { type Message, postWebhook, runCommand } from "./send-notice.ts";

export interface NotifierSettings {
  readonly command: readonly string[];
  readonly webhook: string | undefined;
  readonly timeoutMs: number;
  /** Path of the experiment, for the receiver. */
  readonly experiment: string;
}

const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 600_000;

interface Failing {
  readonly failures: number;
  /** Monotonic ms. */
  readonly nextMs: number;
}

export class Notifier {
  readonly #settings: NotifierSettings;
  readonly #firstDelayMs: number;
  readonly #failing = new Map<Channel, Failing>();

  /** `firstDelayMs`: delay before the second attempt; doubles from there. */
  constructor(settings: NotifierSettings, firstDelayMs = FIRST_DELAY_MS) {
    this.#settings = settings;
    this.#firstDelayMs = firstDelayMs;
  }

  /** The configured channels. */
  get channels(): Channel[] {
    const { command, webhook } = this.#settings;
    return [
      ...(command.length > 0 ? (["command"] as const) : []),
      ...(webhook === undefined ? [] : (["webhook"] as const)),
    ];
  }

  /**
   * Sends everything that is due, on both channels at the same time. Returns the alarm state without what was delivered, and the
   * problems.
   */
  async deliver(alarmState: AlarmState, signal?: AbortSignal): Promise<{ alarmState: AlarmState; problems: string[] }> {
    let left = alarmState;
    const problems: string[] = [];
    await Promise.all(
      this.channels.map(async (channel) => {
        const known = this.#failing.get(channel);
        if (known !== undefined && performance.now() < known.nextMs) return;
        for (const { notice } of alarmState.outbox.filter(({ channels }) => channels.includes(channel))) {
          try {
            await this.#send(channel, notice, signal);
          } catch (error) {
            const failures = (this.#failing.get(channel)?.failures ?? 0) + 1;
            const delayMs = backOff(this.#firstDelayMs, LONGEST_DELAY_MS, failures);
            this.#failing.set(channel, { failures, nextMs: performance.now() + delayMs });
            problems.push(failureLine(error));
            return;
          }
          this.#failing.delete(channel);
          left = arrived(left, notice, channel);
        }
      }),
    );
    return { alarmState: left, problems };
  }

  #send(channel: Channel, notice: Notice, signal: AbortSignal | undefined): Promise<void> {
    const { command, webhook = "", timeoutMs, experiment } = this.#settings;
    const message: Message = { ...notice, experiment, host: hostname() };
    if (channel === "command") return runCommand(command, message, timeoutMs, signal);
    return postWebhook(webhook, message, timeoutMs, signal);
  }
}
