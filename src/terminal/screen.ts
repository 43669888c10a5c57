// A full-screen terminal view: redraws on each update, and restores the terminal at the end.

/** The part of a terminal that the screen needs. */
export interface ScreenStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
}

const ESCAPE = "\u001b[";
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l`;
const LEAVE = `${ESCAPE}?25h${ESCAPE}?1049l`;

/** Whether a stream can be redrawn: it is a terminal, and not a dumb one. */
export function canRedraw(stream: Pick<ScreenStream, "isTTY">, { TERM }: NodeJS.ProcessEnv): boolean {
  return stream.isTTY === true && TERM !== "dumb" && TERM !== undefined && TERM !== "";
}

export class Screen {
  private readonly stream: ScreenStream;
  private entered = false;

  constructor(stream: ScreenStream) {
    this.stream = stream;
  }

  /** Draws `lines` from the top. If they do not fit, the last line says how many are hidden. */
  show(lines: readonly string[]): void {
    const { columns = 80, rows = 24 } = this.stream;
    const fits = lines.length <= rows;
    const hidden = lines.length - rows + 1;
    const shown = fits
      ? lines
      : [...lines.slice(0, rows - 1), `... ${hidden} more lines; enlarge the window to see them`];
    const enter = this.entered ? "" : ENTER;
    this.entered = true;
    // Overwrites line by line and clears the rest, because clearing the screen first would flicker.
    const body = shown.map((line) => `${cut(line, columns)}${ESCAPE}K`).join("\r\n");
    this.stream.write(`${enter}${ESCAPE}H${body}${ESCAPE}J`);
  }

  /** Restores the terminal. Idempotent. */
  leave(): void {
    if (this.entered) this.stream.write(LEAVE);
    this.entered = false;
  }
}

const COLOURS = { red: 31, green: 32, yellow: 33, dim: 2, bold: 1 } as const;
export type Paint = (colour: keyof typeof COLOURS, text: string) => string;

export const plain: Paint = (_colour, text) => text;
export const coloured: Paint = (colour, text) => `${ESCAPE}${COLOURS[colour]}m${text}${ESCAPE}0m`;

/** Cuts a line to `columns` visible characters; colour codes do not count. */
function cut(line: string, columns: number): string {
  let left = columns;
  // Between two escape characters: a colour code up to its "m", then text.
  const [first = "", ...coloured] = line.split(ESCAPE);
  const take = (text: string) => {
    const kept = text.slice(0, left);
    left -= kept.length;
    return kept;
  };
  const parts = coloured.map((part) => {
    const end = part.indexOf("m") + 1;
    return { code: `${ESCAPE}${part.slice(0, end)}`, text: part.slice(end) };
  });
  return take(first) + parts.map(({ code, text }) => code + take(text)).join("");
}
