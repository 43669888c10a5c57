// A few lines that are redrawn in place on a terminal, and simply printed elsewhere.

/** The part of a stream that a block needs. */
export interface BlockStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const ESCAPE = "\u001b[";

export class LiveBlock {
  private readonly stream: BlockStream;
  private shown = 0;

  constructor(stream: BlockStream) {
    this.stream = stream;
  }

  /** Prints a permanent line above the block. */
  say(line: string): void {
    const back = this.shown > 0 ? `${ESCAPE}${this.shown}A${ESCAPE}0J` : "";
    this.stream.write(`${this.stream.isTTY ? back : ""}${line}\n`);
    this.shown = 0;
  }

  /** Replaces the lines shown before by `lines`. */
  show(lines: readonly string[]): void {
    if (!this.stream.isTTY) {
      this.stream.write(`${lines.join("\n")}\n`);
      return;
    }
    const width = this.stream.columns ?? 80;
    const back = this.shown > 0 ? `${ESCAPE}${this.shown}A` : "";
    // Each line is cut to the width: a wrapped one would make the block taller than its number of lines.
    const body = lines.map((line) => `${ESCAPE}2K${line.slice(0, width - 1)}\n`).join("");
    this.stream.write(`${back}${ESCAPE}0J${body}`);
    this.shown = lines.length;
  }
}
