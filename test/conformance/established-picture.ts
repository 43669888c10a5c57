// Reads a picture with the established system's answers, and aligns a picture exactly as that system did.
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { Picture } from "../../src/image/picture.ts";
import type { Method } from "../../src/measurement/method.ts";
import { packageRoot } from "../../src/system/files.ts";

type Statistics = Readonly<Record<string, number>>;
interface EstablishedRun {
  /** What the established system said when it lost the whole picture. */
  readonly error: string | null;
  readonly brightness: number | null;
  readonly contrast: number | null;
  /** Statistics by ROI label and quantity; null when the picture was lost. */
  readonly rois: Readonly<Record<string, Readonly<Record<string, Statistics>> | null>> | null;
  readonly rois_one_by_one?: Readonly<Record<string, Readonly<Record<string, Statistics | string>> | null>>;
}

export interface EstablishedResults {
  readonly roi_labels: readonly string[];
  readonly aligned_sha256: string;
  readonly runs: Readonly<Record<string, EstablishedRun>>;
}

/** One picture of the oracle: the one kept with the tests, or one of the optional larger set. */
export class EstablishedPicture {
  readonly id: string;
  private readonly directory: string;

  constructor(id: string, directory: string) {
    this.id = id;
    this.directory = directory;
  }

  get path(): string {
    return join(this.directory, `${this.id}.png`);
  }

  get manifestPath(): string {
    return join(this.directory, `${this.id}.manifest.json`);
  }

  /** Bytes of `<id>.<name>`, packed or not; undefined when it was left out. */
  bytes(name: string): Uint8Array | undefined {
    const path = join(this.directory, `${this.id}.${name}`);
    if (existsSync(path)) return Uint8Array.from(readFileSync(path));
    if (existsSync(`${path}.gz`)) return Uint8Array.from(gunzipSync(readFileSync(`${path}.gz`)));
    return undefined;
  }

  results(): EstablishedResults {
    return JSON.parse(Buffer.from(this.bytes("results.json") ?? []).toString("utf8"));
  }

  /** Values of all rows, [roi][row][quantity], NaN where not measured; undefined when they were left out. */
  rows(method: Method, subRois: number): Float64Array | undefined {
    const bytes = this.bytes(`${method}.sub${subRois}.f64`);
    return bytes === undefined ? undefined : new Float64Array(bytes.buffer);
  }
}

/** The picture kept with the tests, and where the larger oracle lies on this machine both of its pictures. */
export function establishedPictures(): { pictures: EstablishedPicture[]; skipped: string | undefined } {
  const small = join(packageRoot(), "test/cases/oracle-pictures");
  const large = join(process.env.PHOREST_ORACLE ?? join(packageRoot(), "../shared/oracle"), "images");
  if (!existsSync(large)) {
    return {
      pictures: [new EstablishedPicture("img_B", small)],
      skipped: `no larger oracle at ${large}: img_B only, set PHOREST_ORACLE`,
    };
  }
  return { pictures: ["img_A", "img_B"].map((id) => new EstablishedPicture(id, large)), skipped: undefined };
}

/**
 * The picture rotated by `-angleDegrees` about its middle, as OpenCV's warpAffine (bilinear, 8 bit, black border) does it
 * in whole numbers: positions to 1/32 px, weights to 1/1024.
 */
export function alignedAsEstablished({ pixels, width, height }: Picture, angleDegrees: number): Uint8Array {
  const turn = (-angleDegrees * Math.PI) / 180;
  const [a, b] = [Math.cos(turn), Math.sin(turn)];
  const [cx, cy] = [Math.floor(width / 2), Math.floor(height / 2)];
  const [t0, t1] = [(1 - a) * cx - b * cy, b * cx + (1 - a) * cy];
  // The inverse of [a b; -b a], with its shift.
  const determinant = 1 / (a * a + b * b);
  const [m0, m1, m3, m4] = [a * determinant, -b * determinant, b * determinant, a * determinant];
  const [b1, b2] = [-m0 * t0 - m1 * t1, -m3 * t0 - m4 * t1];
  const aligned = new Uint8Array(width * height);
  const at = (row: number, column: number) =>
    row < 0 || column < 0 || row >= height || column >= width ? 0 : (pixels[row * width + column] ?? 0);
  for (let y = 0; y < height; y++) {
    const [startX, startY] = [evenRound((m1 * y + b1) * 1024) + 16, evenRound((m4 * y + b2) * 1024) + 16];
    for (let x = 0; x < width; x++) {
      const sx = (startX + evenRound(m0 * x * 1024)) >> 5;
      const sy = (startY + evenRound(m3 * x * 1024)) >> 5;
      const [ix, iy, fx, fy] = [sx >> 5, sy >> 5, sx & 31, sy & 31];
      const top = (32 - fx) * at(iy, ix) + fx * at(iy, ix + 1);
      const bottom = (32 - fx) * at(iy + 1, ix) + fx * at(iy + 1, ix + 1);
      aligned[y * width + x] = (((32 - fy) * top + fy * bottom) * 32 + 16384) >> 15;
    }
  }
  return aligned;
}

function evenRound(value: number): number {
  const below = Math.floor(value);
  const excess = value - below;
  return excess > 0.5 || (excess === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
