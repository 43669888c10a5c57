// Wraps title and subtitle of figures for print to the width of the figure.
import { PRINT_STYLE } from "./print-style.ts";
import { textWidth } from "./text-width.ts";

const { fontSize: TITLE_PX, subtitleFontSize: SUBTITLE_PX } = PRINT_STYLE.title as {
  readonly fontSize: number;
  readonly subtitleFontSize: number;
};

export interface PrintTitle {
  readonly title: readonly string[];
  readonly subtitle: readonly string[];
}

/** Returns the lines for a width of `width` pixels; none for an empty title. */
export function titleLines(title: string, subtitle: readonly string[], width: number): PrintTitle {
  return {
    title: wrapped(title, width, TITLE_PX, true),
    subtitle: subtitle.flatMap((line) => wrapped(line, width, SUBTITLE_PX)),
  };
}

/** Returns the same as a part of a Vega-Lite specification; empty if there is no text. */
export function printTitle(title: string, subtitle: readonly string[], width: number): object {
  const lines = titleLines(title, subtitle, width);
  if (lines.title.length + lines.subtitle.length === 0) return {};
  return { title: { text: lines.title, subtitle: lines.subtitle, anchor: "start", frame: "bounds" } };
}

/** Wraps text at words; a word that is wider than the line stands alone. */
function wrapped(text: string, width: number, fontSize: number, bold = false): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").filter((one) => one !== "")) {
    const last = lines.at(-1);
    const longer = last === undefined ? word : `${last} ${word}`;
    if (last !== undefined && textWidth(longer, fontSize, bold) <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
