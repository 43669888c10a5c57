// Brings notices out of the ledger to where they are to go: in order on each channel, one failure ends a channel's round,
// and the next try waits longer. Never throws because of a receiver.
import { hostname } from "node:os";
import { failureLine } from "../failure.ts";
import { arrived, type Channel, type Ledger, type Notice } from "./ledger.ts";
import { type Message, postWebhook, runCommand } from "./send.ts";

export interface CourierSettings {
  readonly command: readonly string[];
  readonly webhook: string | undefined;
  readonly timeoutMs: number;
  /** Where the experiment lies, for the receiver. */
  readonly experiment: string;
}

const FIRST_DELAY_MS = 5_000;
const LONGEST_DELAY_MS = 600_000;

interface Trouble {
  readonly failures: number;
  /** Monotonic ms. */
  readonly nextMs: number;
}

export class Courier {
  readonly #settings: CourierSettings;
  readonly #firstDelayMs: number;
  readonly #trouble = new Map<Channel, Trouble>();

  /** `firstDelayMs`: before the second try; doubles from there. */
  constructor(settings: CourierSettings, firstDelayMs = FIRST_DELAY_MS) {
    this.#settings = settings;
    this.#firstDelayMs = firstDelayMs;
  }

  /** Channels that somebody listens to. */
  get channels(): Channel[] {
    const { command, webhook } = this.#settings;
    return [
      ...(command.length > 0 ? (["command"] as const) : []),
      ...(webhook === undefined ? [] : (["webhook"] as const)),
    ];
  }

  /** Tries everything that is due, both channels at once. Returns the ledger without what arrived, and what went wrong. */
  async deliver(ledger: Ledger, signal?: AbortSignal): Promise<{ ledger: Ledger; problems: string[] }> {
    let left = ledger;
    const problems: string[] = [];
    await Promise.all(
      this.channels.map(async (channel) => {
        const known = this.#trouble.get(channel);
        if (known !== undefined && performance.now() < known.nextMs) return;
        for (const { notice } of ledger.outbox.filter(({ channels }) => channels.includes(channel))) {
          try {
            await this.#send(channel, notice, signal);
          } catch (error) {
            const failures = (this.#trouble.get(channel)?.failures ?? 0) + 1;
            const delayMs = Math.min(LONGEST_DELAY_MS, this.#firstDelayMs * 2 ** Math.min(failures - 1, 20));
            this.#trouble.set(channel, { failures, nextMs: performance.now() + delayMs });
            problems.push(failureLine(error));
            return;
          }
          this.#trouble.delete(channel);
          left = arrived(left, notice, channel);
        }
      }),
    );
    return { ledger: left, problems };
  }

  #send(channel: Channel, notice: Notice, signal: AbortSignal | undefined): Promise<void> {
    const { command, webhook = "", timeoutMs, experiment } = this.#settings;
    const message: Message = { ...notice, experiment, host: hostname() };
    if (channel === "command") return runCommand(command, message, timeoutMs, signal);
    return postWebhook(webhook, message, timeoutMs, signal);
  }
}
