// Injections on the page, from a drag over the curves to the table of rates: the real program on an experiment whose truth the test
// knows, and the system's Chromium. What the page downloads is what the commands write, to the last digit.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { storeBinding, TRUTH } from "../assay/kinetics/stored.ts";
import { command as phorest } from "../run/commands.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { DESKTOP, HAS_CHROMIUM, inaccessible, launch, openPage, PHONE } from "./browser.ts";
import { Running } from "./running.ts";

const CONFIG = `
[Services]
enable_camera = false
[Analysis]
reference_rois = ["000A*", "001A*"]
[Report]
plot_interval_seconds = 86400
[Web]
port = 0
`;
const MODEL = "1:1+bulk";
const [CYCLES, CYCLE_S, LEAD_S, ASSOCIATION_S] = [2, 1020, 120, 300];
/** Of the page's plot, from 0 to 1: where the injection that is drawn begins and ends. */
const START = (CYCLE_S + LEAD_S) / (CYCLES * CYCLE_S - 10);
const END = (CYCLE_S + LEAD_S + ASSOCIATION_S) / (CYCLES * CYCLE_S - 10);

async function downloaded(page: Page, press: () => Promise<void>): Promise<string> {
  const arriving = page.waitForEvent("download");
  await press();
  return readFileSync(await (await arriving).path(), "utf8");
}

describe.skipIf(!HAS_CHROMIUM)("injections on the page", () => {
  test("drag an injection, see its fit, change the model, download the table", async () => {
    const root = temporaryDirectory("phorest-assay-");
    storeBinding(root, { concentrations: [0, 1e-7], gratings: 6, references: 2 });
    const running = await Running.start(root, CONFIG, 1);
    const browser = await launch();
    try {
      const { page, errors } = await openPage(browser, running.link, DESKTOP);
      await page.getByRole("link", { name: "Assay" }).click();
      const kinetics = page.getByRole("heading", { name: /^Kinetics of antibody/ });
      await kinetics.waitFor();
      const fits = page.getByRole("img", { name: /^Curves of 002A and their fits/ });
      // What is still asked about an injection when it is removed is refused.
      await fits.waitFor();
      await page.getByRole("button", { name: "Remove injection 2, antibody" }).click();
      await kinetics.waitFor({ state: "detached" });

      await page.getByRole("button", { name: "New injection" }).click();
      const box = await page.locator(".u-over").first().boundingBox();
      if (box === null) throw new Error("the plot has no place");
      const y = box.y + box.height / 3;
      await page.mouse.move(box.x + START * box.width, y);
      await page.mouse.down();
      await page.mouse.move(box.x + END * box.width, y, { steps: 8 });
      await page.mouse.up();
      const form = page.getByRole("form", { name: "New injection" });
      await form.getByLabel("Solution").fill("antibody");
      await form.getByLabel("Concentration").fill("100");
      await form.getByRole("button", { name: "Add injection" }).click();
      await page.getByRole("alert").filter({ hasText: "a number and a unit" }).waitFor();
      await form.getByLabel("Concentration").fill("100 nM");
      await form.getByRole("button", { name: "Add injection" }).click();
      await fits.waitFor();

      // A pixel is a few seconds; keys set the start to the second.
      const start = page.getByRole("slider", { name: "Start of injection 3, antibody" });
      await start.focus();
      const before = Number(await start.getAttribute("aria-valuenow"));
      await page.keyboard.press("ArrowRight");
      await page.keyboard.press("Enter");
      await expect
        .poll(async () => (await running.read<{ start: number }[]>("/api/injections"))[1]?.start)
        .toBeGreaterThan(1000 * before);

      await page.getByLabel("Model").selectOption(MODEL);
      await page.getByRole("heading", { name: /with its fit \(1:1\+bulk\)/ }).waitFor();
      const section = page.locator("section", { has: kinetics });
      const table = await downloaded(page, () => section.getByRole("button", { name: "Download CSV" }).click());
      expect(await phorest(["kinetics", "--model", MODEL, "--csv", "rates.csv"], root)).toMatchObject({ code: 0 });
      expect(table).toBe(readFileSync(join(root, "rates.csv"), "utf8"));
      const rows = table.trim().split("\n").slice(1);
      expect(rows).toHaveLength(4);
      for (const row of rows) expect(Math.abs(Number(row.split(",")[7]) / TRUTH.kd - 1)).toBeLessThan(0.2);

      const responses = await phorest(["responses", "--json"], root);
      expect(await running.read("/api/responses")).toEqual(JSON.parse(responses.stdout));
      await phorest(["map", "response", "--injection", "3", "--csv", "map.csv", "--out", "map.svg"], root);
      const map = await running.answer("/api/map.csv?quantity=response&injection=3");
      expect(await map.text()).toBe(readFileSync(join(root, "map.csv"), "utf8"));
      await page.getByLabel("Quantity").selectOption("response");
      await page.getByRole("img", { name: /^Response of 6 gratings/ }).waitFor();

      expect(await inaccessible(page)).toEqual([]);
      await page.getByRole("button", { name: /^Colour theme: auto/ }).click();
      await page.getByRole("button", { name: /^Colour theme: light/ }).click();
      expect(await inaccessible(page), "dark").toEqual([]);
      await page.setViewportSize(PHONE.viewport ?? { width: 390, height: 844 });
      const tooWide = () => page.evaluate("document.documentElement.scrollWidth - innerWidth");
      await expect.poll(tooWide, { message: "phone" }).toBe(0);
      // This experiment has no images.
      expect(errors.filter((line) => !line.includes("/api/frame"))).toEqual([]);
    } finally {
      await browser.close();
      await running.stop();
    }
  });
});
