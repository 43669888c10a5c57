// The file that a figure is written to: PNG or SVG, depending on its name.
import { dirname, extname, resolve } from "node:path";
import { Failure } from "../failure/failure.ts";
import type { Picture } from "../figures/render.ts";
import { ensureDirectory } from "../system/files.ts";
import { writeOutput } from "../system/output-file.ts";

export interface FigureFile {
  readonly path: string;
  readonly isSvg: boolean;
}

/** Returns the file of an option such as `--out`. Throws Failure `usage.invalid` for other extensions. */
export function figureFile(option: string, file: string): FigureFile {
  const extension = extname(file).toLowerCase();
  if (extension !== ".png" && extension !== ".svg") {
    throw new Failure("usage.invalid", `${option} ${file}: the name must end with .png or .svg`);
  }
  return { path: resolve(file), isSvg: extension === ".svg" };
}

/** Writes the figure, completely or not at all; creates its directory if necessary. */
export async function writeFigure({ path, isSvg }: FigureFile, { svg, png }: Picture): Promise<void> {
  await ensureDirectory(dirname(path));
  await writeOutput(path, isSvg ? svg : png);
}
