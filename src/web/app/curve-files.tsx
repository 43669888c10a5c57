// Downloads of the shown curves as CSV, PNG or SVG.
import { getBlob, reasonOf } from "./api.ts";
import { curvesSvg, type Drawing } from "./curves-svg.ts";
import { download, pngOf } from "./picture-file.ts";

export function CurveFiles({
  drawing,
  address,
  failed,
}: {
  drawing: Drawing;
  address: string;
  failed(message: string): void;
}) {
  const save = (name: string, make: () => Promise<Blob>) => async () => {
    try {
      download(name, await make());
    } catch (error) {
      failed(reasonOf(error));
    }
  };
  const svg = () => curvesSvg(drawing);
  return (
    <div class="bar" role="group" aria-label="Download the shown curves">
      <span class="quiet">Download the shown curves:</span>
      <button type="button" onClick={save("sensorgrams.csv", () => getBlob(address))}>
        CSV
      </button>
      <button type="button" onClick={save("sensorgrams.png", () => pngOf(svg()))}>
        PNG
      </button>
      <button type="button" onClick={save("sensorgrams.svg", async () => new Blob([svg()], { type: "image/svg+xml" }))}>
        SVG
      </button>
    </div>
  );
}
