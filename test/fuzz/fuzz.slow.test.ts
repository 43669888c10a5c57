import { expect, it } from "vitest";
import { randomFrom } from "../image/picture-writers.ts";
import { seedPictures, tryDamaged } from "./pictures.ts";
import { tryManifest, tryNumbers } from "./rois.ts";

it("damaged pictures are read or refused exactly as the general reader does", async () => {
  const random = randomFrom(2024);
  const seeds = seedPictures();
  for (let round = 0; round < 1200; round++) expect(await tryDamaged(seeds, random), `round ${round}`).toBeUndefined();
});

it("damaged ROI manifests and ROI lists are measured or refused, and nothing else happens", () => {
  const random = randomFrom(2025);
  for (let round = 0; round < 1000; round++) {
    tryManifest(random);
    tryNumbers(random);
  }
});
