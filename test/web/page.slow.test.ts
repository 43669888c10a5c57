// The page as a person meets it: the real program with the simulated chip, the system's Chromium.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { StateView } from "../../src/web/views.ts";
import { DESKTOP, HAS_CHROMIUM, inaccessible, launch, openPage, PHONE, READY, turnTo, VIEWS } from "./browser.ts";
import { Running, sharedBrowser, sharedRun, simulatedChipConfig } from "./running.ts";

const CONFIG = simulatedChipConfig({
  collectorSeconds: 10,
  more: `
[Services]
enable_thermocouple = true
[Temperature.command_sensors]
"Room air" = ["printf", "21.5"]
[Analysis]
sensitivity_px_per_riu = 2500
`,
});

/** What can be scrolled sideways: the page, or a part of it. */
const WIDER = `[document.documentElement, ...document.querySelectorAll("main *")]
  .filter((part) => part.scrollWidth > part.clientWidth + 1 && getComputedStyle(part).overflowX !== "visible"
    && part.checkVisibility() && part.clientWidth > 1)
  .map((part) => part.tagName + "." + part.className)`;

describe.skipIf(!HAS_CHROMIUM)("the page in a browser", () => {
  const shared = sharedRun(CONFIG, 4);
  const chromium = sharedBrowser();

  describe.each([
    ["desktop", DESKTOP, "light"],
    ["desktop in the dark", DESKTOP, "dark"],
    ["phone", PHONE, "light"],
  ] as const)("on a %s", (_, size, colorScheme) => {
    test("every view shows the run's data, without an error, a stranger or a barrier", async () => {
      const { page, errors, unknownNames } = await openPage(chromium.browser, shared.running.address, {
        ...size,
        colorScheme,
      });
      for (const view of VIEWS) {
        await turnTo(page, view);
        expect(await inaccessible(page), view).toEqual([]);
        // What has just come is drawn to the width that it has found.
        await expect.poll(() => page.evaluate(WIDER), { message: `${view} is wider than the window` }).toEqual([]);
      }
      expect(errors).toEqual([]);
      expect(unknownNames).toEqual([]);
      await page.context().close();
    });
  });

  test("a badge on every view says that the chip is simulated, and why to whoever cannot see it", async () => {
    const { page } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    for (const view of VIEWS) {
      await turnTo(page, view);
      const badge = page.getByRole("banner").getByText(/^Simulated chip/);
      expect(await badge.isVisible(), view).toBe(true);
      expect(await badge.textContent()).toBe("Simulated chip: the images are computed; no camera is in use");
    }
    await page.context().close();
  });

  test("a path of any length stays within a phone's width", async () => {
    const { page } = await openPage(chromium.browser, shared.running.link, PHONE);
    await turnTo(page, "now");
    await page.getByRole("button", { name: "Take a brightfield image" }).click();
    await page.getByText(/Saved: .*brightfield_/).waitFor();
    const tooWide = () => page.evaluate("document.documentElement.scrollWidth - innerWidth");
    await expect.poll(tooWide).toBeLessThanOrEqual(0);
    const widestCard =
      "Math.max(...[...document.querySelectorAll('.card')].map((card) => card.scrollWidth - card.clientWidth))";
    await expect.poll(() => page.evaluate(widestCard)).toBe(0);
    await page.context().close();
  });

  test("ticks differ from one another, also in RIU", async () => {
    const { page } = await openPage(chromium.browser, shared.running.link, DESKTOP);
    await turnTo(page, "sensorgrams");
    await page.getByLabel("in RIU").check();
    const arriving = page.waitForEvent("download");
    await page.getByRole("button", { name: "SVG", exact: true }).click();
    const svg = readFileSync(await (await arriving).path(), "utf8");
    expect(svg).toContain(" (simulated chip): shift");
    const ticks = [...svg.matchAll(/text-anchor="end">([\u2212\d.]+)</g)].map(([, text]) => text);
    expect(ticks.length).toBeGreaterThan(1);
    expect(new Set(ticks).size).toBe(ticks.length);
    expect(svg, "the temperatures below").toContain(">Room air<");
    await page.context().close();
  });

  test("a new frame arrives by itself", async () => {
    const { page } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    const count = async () =>
      Number.parseInt((await page.locator("dt:text-is('measured') + dd").textContent()) ?? "", 10);
    await page.locator(READY.now).first().waitFor();
    const before = await count();
    await expect.poll(count, { timeout: 120_000 }).toBeGreaterThan(before);
    await page.context().close();
  });

  test("looking needs no token, changing does, and the page says so", async () => {
    const { page } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    await turnTo(page, "sensorgrams");
    await page.getByLabel(/Text, for example/).fill("buffer");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    const refusal = page
      .getByRole("alert")
      .filter({ hasText: "To make changes, open the link printed by phorest run" });
    await refusal.waitFor();
    const measured = await shared.running.measured();
    await expect.poll(() => shared.running.measured(), { timeout: 120_000 }).toBeGreaterThan(measured + 1);
    expect(await refusal.isVisible(), "new frames do not wipe it away").toBe(true);
    expect(await page.getByLabel(/Text, for example/).inputValue(), "what was typed stays").toBe("buffer");
    await page.context().close();
  });

  test("by the link, markers and a baseline are set and kept; what is shown is downloaded", async () => {
    const { page, errors } = await openPage(chromium.browser, shared.running.link, DESKTOP);
    expect(page.url()).not.toContain("token");
    await turnTo(page, "sensorgrams");
    await page.getByLabel(/Text, for example/).fill("antibody <b>1</b>");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("cell", { name: "antibody <b>1</b>", exact: true }).waitFor();
    await page.getByRole("button", { name: /^Change antibody/ }).click();
    await page.getByLabel(/^Time, UTC/).fill("2026-03-04 15:20");
    await page.getByLabel(/Text, for example/).fill("antibody 2");
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByRole("cell", { name: "antibody 2", exact: true }).waitFor();
    const [moved] = (await shared.running.read<StateView>("/api/state")).markers;
    expect([moved?.text, moved?.at]).toEqual(["antibody 2", Date.UTC(2026, 2, 4, 15, 20)]);
    const plot = page.locator(".u-over").first();
    await page.getByRole("button", { name: "Set baseline" }).click();
    await plot.click({ position: { x: 200, y: 100 } });
    await page.getByRole("button", { name: "Reset baseline" }).waitFor();
    for (const [button, begins] of [
      ["CSV", "timestamp,label,position_px,standard_error_px,shift_px,movement_px,referenced_px,double_referenced_px"],
      ["SVG", "<svg"],
      ["PNG", "\u0089PNG"],
    ] as const) {
      const arriving = page.waitForEvent("download");
      await page.getByRole("button", { name: button, exact: true }).click();
      const path = await (await arriving).path();
      expect(readFileSync(path, "latin1").slice(0, begins.length)).toBe(begins);
      expect(statSync(path).size).toBeGreaterThan(300);
    }
    await page.getByRole("button", { name: /^Remove antibody/ }).click();
    await page.getByText("No markers yet.").waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test("the plot is worked by keys: a marker at the cursor, and the time that is shown", async () => {
    const { page, errors } = await openPage(chromium.browser, shared.running.link, DESKTOP);
    await turnTo(page, "sensorgrams");
    const plot = page.getByRole("img", { name: /^Shift from baseline/ });
    await page.getByRole("button", { name: "Add marker" }).press("Enter");
    await plot.focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("heading", { name: /^At \d+ \w+ 20/ }).waitFor();
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByLabel(/^Time, UTC/).inputValue()).toMatch(/^20/);
    const whole = page.getByRole("button", { name: "Show all" });
    await expect.poll(() => whole.isDisabled()).toBe(true);
    await plot.focus();
    await page.keyboard.press("+");
    await expect.poll(() => whole.isDisabled()).toBe(false);
    await page.keyboard.press("0");
    await expect.poll(() => whole.isDisabled()).toBe(true);
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test("a click on the chip shows that ROI's curve, profile and fit", async () => {
    const { page } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    await turnTo(page, "chip");
    const roi = page.locator(".chip rect").nth(7);
    const label = await roi.getAttribute("data-label");
    await roi.click();
    await page.getByRole("heading", { name: label ?? "", exact: true }).waitFor();
    await page.getByRole("img", { name: `Profile of ${label}` }).waitFor();
    await page.getByRole("img", { name: `Sensorgram of ${label}` }).waitFor();
    await page.getByRole("heading", { name: /with Gaussian fit/ }).waitFor();
    await expect
      .poll(() => page.locator("figcaption").allTextContents())
      .toContain("px from the left edge of the ROI; dashed: measured position");
    await expect.poll(() => page.evaluate(CLIPPED)).toEqual([]);
    await page.context().close();
  });

  test("the picture is zoomed by keys, and finer tiles come", async () => {
    const { page } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    const picture = page.getByRole("img", { name: /Image of the chip/ });
    await picture.waitFor();
    const finer = page.waitForRequest(/\/api\/frame\/\d+\/0\//);
    await picture.focus();
    for (let i = 0; i < 6; i += 1) await page.keyboard.press("+");
    await finer;
    await page.context().close();
  });
});

/** Text in the charts that reaches beyond its drawing, or beyond its line below it. */
const CLIPPED = `[...document.querySelectorAll("main svg text, main figcaption")].filter((text) => {
  const edge = (text.ownerSVGElement ?? text.parentElement).getBoundingClientRect();
  const box = text.getBoundingClientRect();
  return box.left < edge.left - 1 || box.right > edge.right + 1 || text.scrollWidth > text.clientWidth;
}).map((text) => text.textContent)`;

describe.skipIf(!HAS_CHROMIUM)("the page of an experiment without a picture", () => {
  test("every view says what there is not yet, and that the camera is switched off", async () => {
    const directory = mkdtempSync(join(tmpdir(), "phorest-page-"));
    const running = await Running.start(directory, "[Services]\nenable_camera = false\n[Web]\nport = 0\n", 0);
    const browser = await launch();
    try {
      const { page, errors } = await openPage(browser, running.address, PHONE);
      await page.getByText(/the camera is switched off .*captures no images/).waitFor();
      await page.getByText("No frame has been captured yet.").waitFor();
      for (const view of ["Sensorgrams", "Gratings", "Chip"]) {
        await page.getByRole("link", { name: view }).click();
        await page.getByText("No frame has been measured yet.").waitFor();
      }
      await page.getByRole("link", { name: "Images" }).click();
      await page.getByText("No frame has been captured yet.").waitFor();
      expect(errors).toEqual([]);
    } finally {
      await browser.close();
      await running.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
