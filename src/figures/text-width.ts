// Computes the width of a text in the bundled font. Without a display, Vega assumes that every character is 0.8 of the height
// wide, which is a third too much: figures got wide margins, and long texts were cut.

/** Widths of DejaVu Sans in hundredths of the font size, and the characters with these widths. */
const WIDTHS: readonly (readonly [number, string])[] = [
  [28, "'ijl"],
  [29, "IJ"],
  [32, " ,.·"],
  [34, "/:;\\|"],
  [35, "f"],
  [36, "-"],
  [39, "()[]t"],
  [40, "!³"],
  [41, "r"],
  [46, '"'],
  [50, "*_`°–"],
  [52, "sz"],
  [53, "?⁻"],
  [55, "c"],
  [56, "L"],
  [58, "Fk"],
  [59, "vxy"],
  [61, "PTYaoe"],
  [64, "ESbdghnpquσ$0123456789{}µ"],
  [66, "K"],
  [68, "AVBRXZ"],
  [70, "C"],
  [74, "UHN"],
  [77, "DG▲▼&"],
  [79, "OQ"],
  [82, "w"],
  [84, "#+<=>^~−±×"],
  [86, "M"],
  [95, "%"],
  [98, "mW"],
  [100, "@…"],
];
const OTHERS = 64;
const BOLD = 1.1;

const WIDTH_OF = new Map(WIDTHS.flatMap(([width, characters]) => [...characters].map((one) => [one, width] as const)));

/** Returns the width of a text, in the unit of `fontSize`. */
export function textWidth(text: string, fontSize: number, bold = false): number {
  let hundredths = 0;
  for (const character of text) hundredths += WIDTH_OF.get(character) ?? OTHERS;
  return (hundredths / 100) * fontSize * (bold ? BOLD : 1);
}
