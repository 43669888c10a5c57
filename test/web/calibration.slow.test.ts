// Calibration on the page, from the picture to a running experiment that measures with the new ROIs.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { CalibrationFound, CalibrationView } from "../../src/web/calibration-views.ts";
import type { ChipView, StateView } from "../../src/web/views.ts";
import { DESKTOP, HAS_CHROMIUM, inaccessible, openPage } from "./browser.ts";
import { sharedBrowser, sharedRun, simulatedChipConfig } from "./running.ts";

/** The search gives way to whatever else the machine does: on a busy one it takes long. */
const PATIENCE = { timeout: 150_000 } as const;

describe.skipIf(!HAS_CHROMIUM)("calibration in a browser", () => {
  const shared = sharedRun(simulatedChipConfig({ collectorSeconds: 10 }), 1);
  const chromium = sharedBrowser();
  const roiManifest = join(shared.directory, "generated_files", "ROI_manifest.json");

  async function open(at: string) {
    const watched = await openPage(chromium.browser, at, DESKTOP);
    await watched.page.getByRole("link", { name: "Experiment" }).click();
    await watched.page.getByRole("heading", { name: "Calibration", exact: true }).waitFor();
    return watched;
  }

  async function drop(page: Page, name: string, content: Buffer): Promise<void> {
    await page.getByLabel(/choose a file/).setInputFiles({ name, mimeType: "image/png", buffer: content });
  }

  /** For the documentation: SCREENSHOTS names a directory. */
  async function shoot(page: Page, name: string): Promise<void> {
    if (process.env.SCREENSHOTS === undefined) return;
    await sleep(1000);
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
  }

  const alert = (page: Page, words: RegExp) =>
    page.getByRole("alert").filter({ hasText: words }).first().waitFor(PATIENCE);

  /** A frame of the run with everything printed painted over: which grating is which cannot be seen. */
  async function withoutLabels({ labels }: CalibrationFound): Promise<Buffer> {
    const frames = readdirSync(join(shared.directory, "data")).filter((name) => name.endsWith(".png"));
    const paint = labels.map(({ x, y, width, height }) => {
      const [left, top] = [Math.max(0, Math.floor(x - 6)), Math.max(0, Math.floor(y - 6))];
      const [right, bottom] = [Math.min(960, x + width + 6), Math.min(730, y + height + 6)];
      const size = { width: Math.floor(right - left), height: Math.floor(bottom - top) };
      return { left, top, input: { create: { ...size, channels: 3 as const, background: "#101010" } } };
    });
    return sharp(join(shared.directory, "data", frames[0] as string))
      .composite(paint)
      .toColourspace("b-w")
      .png()
      .toBuffer();
  }

  test("the last frame is calibrated by itself; accepted, the run goes on with new ROIs and says when", async () => {
    // As after the chip has moved: what the run measures with is not where the gratings are.
    const moved = JSON.parse(readFileSync(roiManifest, "utf8")) as Record<string, { coords?: [number, number] }>;
    for (const roi of Object.values(moved)) if (roi.coords !== undefined) roi.coords[0] += 3;
    writeFileSync(roiManifest, JSON.stringify(moved));
    const { page, errors, unknownNames } = await open(shared.running.link);
    await page.getByRole("button", { name: "Use the last frame" }).click();
    await page.getByText("The chip was found").waitFor(PATIENCE);
    await page.getByText("IMECII_2, flipped top to bottom").waitFor();
    await page.getByRole("img", { name: /Image of the chip, 960 by 730.*outlines/ }).waitFor();
    expect(await inaccessible(page)).toEqual([]);
    await shoot(page, "page-calibration");
    const { analysisId } = await shared.running.read<ChipView>("/api/chip");
    const before = statSync(roiManifest).mtimeMs;
    await page.getByRole("button", { name: /^Accept/ }).click();
    await page.getByText(/Accepted\..*ROI_manifest\.json/).waitFor(PATIENCE);
    expect(statSync(roiManifest).mtimeMs).toBeGreaterThan(before);
    await expect
      .poll(async () => (await shared.running.read<ChipView>("/api/chip")).analysisId, { timeout: 60_000 })
      .toBeGreaterThan(analysisId);
    const marked = async () => (await shared.running.read<StateView>("/api/state")).markers.at(-1)?.text;
    await expect.poll(marked).toMatch(/recalibrated: \d+ ROIs/);
    expect(errors).toEqual([]);
    expect(unknownNames).toEqual([]);
    await page.context().close();
  }, 600_000);

  test("where no label is to be seen, two gratings named by click and drag give the same ROIs", async () => {
    const { page, errors } = await open(shared.running.link);
    await page.getByRole("button", { name: "Use the last frame" }).click();
    await page.getByText("The chip was found").waitFor(PATIENCE);
    const { found } = await shared.running.read<CalibrationView>("/api/calibration");
    if (found === undefined) throw new Error("nothing was found");
    const middle = (grating: string) => {
      const halves = found.rois.filter(({ label }) => label.startsWith(`${grating}_`));
      const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
      return {
        x: mean(halves.map((roi) => roi.x + roi.width / 2)),
        y: mean(halves.map((roi) => roi.y + roi.height / 2)),
      };
    };
    const gratings = found.rois.map(({ label }) => label.replace(/_.$/, ""));
    const [first, second] = [gratings[0] as string, gratings.at(-1) as string];
    await drop(page, "painted over.png", await withoutLabels(found));
    await alert(page, /painted over\.png.*identity ambiguous/);
    const canvas = page.getByRole("img", { name: /Image of the chip/ });
    const box = await canvas.boundingBox();
    if (box === null) throw new Error("the picture is not to be seen");
    const scale = Math.min(box.width / 960, box.height / 730);
    const onCanvas = ({ x, y }: { x: number; y: number }) => ({
      x: (box.width - 960 * scale) / 2 + x * scale,
      y: (box.height - 730 * scale) / 2 + y * scale,
    });
    await page.getByLabel("Label 1", { exact: true }).last().fill(first);
    await canvas.click({ position: onCanvas(middle(first)) });
    await page.getByLabel("Label 2", { exact: true }).last().fill(second);
    // Put beside it, then dragged where it belongs.
    const towards = (at: number, centre: number) => at + 90 * Math.sign(centre - at);
    const aside = onCanvas({ x: towards(middle(second).x, 480), y: towards(middle(second).y, 365) });
    await canvas.click({ position: aside });
    const { x, y } = onCanvas(middle(second));
    const shown = await canvas.boundingBox();
    if (shown === null) throw new Error("the picture is not to be seen");
    await page.mouse.move(shown.x + aside.x, shown.y + aside.y);
    await page.mouse.down();
    await page.mouse.move(shown.x + x, shown.y + y, { steps: 4 });
    await page.mouse.up();
    await shoot(page, "page-calibration-by-hand");
    await page.getByRole("button", { name: "Find the chip with these labels" }).click();
    await page.getByText("The chip was found").waitFor(PATIENCE);
    const byHand = (await shared.running.read<CalibrationView>("/api/calibration")).found;
    expect(byHand?.rois.map(({ label }) => label)).toEqual(found.rois.map(({ label }) => label));
    for (const [at, roi] of (byHand?.rois ?? []).entries()) {
      // Without a label the place along the rows is that of the gratings' edges.
      expect(Math.abs(roi.x - (found.rois[at]?.x ?? 0)), roi.label).toBeLessThanOrEqual(2);
      expect(Math.abs(roi.y - (found.rois[at]?.y ?? 0)), roi.label).toBeLessThanOrEqual(2);
    }
    await page.getByRole("button", { name: /^Accept/ }).click();
    await page.getByText(/Accepted\./).waitFor(PATIENCE);
    expect(readFileSync(roiManifest, "utf8")).toContain(`"${first}_`);
    expect(errors).toEqual([]);
    await page.context().close();
  }, 600_000);

  test("what is no picture is refused in one line, and nothing of it stays", async () => {
    const { page } = await open(shared.running.link);
    await drop(page, "notes.txt", Buffer.from("not a picture at all"));
    await alert(page, /notes\.txt: not an image/);
    const left = readdirSync(join(shared.directory, "generated_files")).filter((name) => name.startsWith("."));
    expect(left).toEqual([]);
    await page.context().close();
  }, 600_000);

  test("a picture of another size than the frames is said to be one", async () => {
    const { page } = await open(shared.running.link);
    const plain = sharp({ create: { width: 300, height: 200, channels: 3, background: "#808080" } });
    await drop(page, "small.png", await plain.toColourspace("b-w").png().toBuffer());
    await page.getByText(/300 × 200 px, but the frames of this experiment are 960 × 730 px/).waitFor(PATIENCE);
    await page.getByRole("button", { name: "Discard" }).click(PATIENCE);
    await page.getByText(/Nothing changes until you accept/).waitFor();
    await page.context().close();
  }, 600_000);

  test("the token is needed to take in a picture, and the page says so", async () => {
    const { page } = await open(shared.running.address);
    await page.getByRole("button", { name: "Use the last frame" }).click();
    await alert(page, /To make changes, open the link printed by phorest run/);
    await page.context().close();
  });

  test("a brightfield picture is taken on demand, and the page says where it lies", async () => {
    const { page } = await openPage(chromium.browser, shared.running.link, DESKTOP);
    await page.getByRole("button", { name: "Take a brightfield image" }).click();
    await page.getByText(/Saved: .*brightfield_.*\.png/).waitFor();
    const [picture] = readdirSync(join(shared.directory, "bright"));
    expect(picture).toMatch(/^brightfield_/);
    await page.context().close();
  });
});
