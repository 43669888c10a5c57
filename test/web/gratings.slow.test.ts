// The curves of all gratings, many curves in one plot, and the names on the picture: the real program, the system's Chromium.
import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { DESKTOP, HAS_CHROMIUM, inaccessible, openPage, PHONE, turnTo } from "./browser.ts";
import { sharedBrowser, sharedRun, simulatedChipConfig } from "./running.ts";

describe.skipIf(!HAS_CHROMIUM)("many gratings on the page", () => {
  const shared = sharedRun(simulatedChipConfig({ collectorSeconds: 3600 }), 6);
  const chromium = sharedBrowser();

  test("all gratings come with one request and are drawn on one canvas; keys choose and enlarge one", async () => {
    const { page, errors } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    const asked: string[] = [];
    page.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await turnTo(page, "gratings");
    const canvas = page.getByRole("img", { name: /^Curves of 64 gratings/ });
    await canvas.waitFor();
    await expect.poll(() => isDrawn(page, "canvas.panels")).toBe(true);
    expect(await page.locator("main canvas").count()).toBe(1);
    expect(asked).not.toContain("/api/curves");
    await canvas.focus();
    const chosen = () => page.locator("main select").inputValue();
    const before = await chosen();
    await page.keyboard.press("ArrowRight");
    await expect.poll(chosen).not.toBe(before);
    await page.keyboard.press("ArrowLeft");
    await expect.poll(chosen).toBe(before);
    await page.getByText(`Grating ${before}: `).waitFor();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: before });
    await dialog.locator(".uplot canvas").first().waitFor();
    await dialog.getByRole("cell", { name: before, exact: true }).waitFor();
    expect(await inaccessible(page)).toEqual([]);
    await dialog.getByRole("button", { name: "Next grating" }).click();
    await page.getByRole("dialog").getByRole("heading", { name: before, exact: true }).waitFor({ state: "detached" });
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test("limits are common, own or typed, and typed nonsense says what is wrong", async () => {
    const { page } = await openPage(chromium.browser, shared.running.address, PHONE);
    await turnTo(page, "gratings");
    await page.getByText(/^Each panel: /).waitFor();
    await page.getByRole("button", { name: "Own limits" }).click();
    await page.getByText(/^Each panel has its own limits/).waitFor();
    const field = (end: string) => page.getByLabel(`y-limits, px: ${end}`);
    await field("from").fill("2");
    await field("to").fill("1");
    await field("to").press("Enter");
    await page.getByText("The first must be less than the second").waitFor();
    await field("from").fill("\u22120,5");
    await field("to").press("Enter");
    await page.getByText(/^Each panel: \u22120\.50 to 1\.00 px/).waitFor();
    await page.getByRole("button", { name: "Automatic" }).click();
    await page.getByText(/^Each panel has its own limits/).waitFor();
    await page.context().close();
  });

  test("more than sixteen curves: each is told apart, hidden by its entry, and highlighted by keys", async () => {
    const { page, errors } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    await turnTo(page, "sensorgrams");
    await page.getByLabel(/^ROI names/).fill("*");
    await page.getByRole("button", { name: "Show", exact: true }).click();
    const entries = page.getByRole("group", { name: "Curves: show or hide" }).locator("button.entry");
    await expect.poll(() => entries.count()).toBe(64);
    const looks = await entries
      .locator("path")
      .evaluateAll((paths) =>
        paths.map((path) => `${path.getAttribute("stroke")} ${path.getAttribute("stroke-dasharray")}`),
      );
    expect(new Set(looks).size).toBe(64);
    await entries.first().click();
    await expect.poll(() => entries.first().getAttribute("aria-pressed")).toBe("false");
    await page.getByRole("img", { name: /^Shift from baseline/ }).focus();
    await page.keyboard.press("ArrowDown");
    await expect.poll(() => page.locator("button.entry.near").count()).toBe(1);
    expect(await entries.first().getAttribute("class"), "a hidden curve is left out").toBe("entry");
    await page.getByLabel(/^time window, UTC: from/).fill("2020-01-01 10:00");
    await page.getByLabel(/^time window, UTC: to/).fill("2020-01-02 10:00");
    await page.getByLabel(/^time window, UTC: to/).press("Enter");
    await page.getByRole("button", { name: "Automatic" }).waitFor();
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test("two images are compared, an ROI's profiles are drawn, and the intervals between frames", async () => {
    const { page, errors } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    await turnTo(page, "images");
    await page.getByRole("img", { name: /^Difference of frame \d+ and frame 1\. B has (not )?moved/ }).waitFor();
    const number = page.getByLabel("frame", { exact: true }).nth(1);
    await number.fill("2");
    await number.press("Enter");
    await page.getByRole("img", { name: /^Difference of frame 2 and frame 1\./ }).waitFor();
    await page.getByRole("button", { name: "Add B" }).click();
    await page.getByRole("button", { name: "Remove frame 2", exact: true }).waitFor();
    await page.getByRole("img", { name: /^Profiles of / }).waitFor();
    await page.getByRole("img", { name: /^Histogram of the intervals/ }).waitFor();
    expect(errors).toEqual([]);
    await number.fill("99999");
    await number.press("Enter");
    await page.getByRole("alert").filter({ hasText: "frame 99999 has no image" }).waitFor();
    await page.context().close();
  });

  test("a rolling median of any number of frames is drawn, and the axis says so", async () => {
    const { page, errors } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    await turnTo(page, "sensorgrams");
    const asked = page.waitForRequest(/show=difference&frames=20/);
    await page.getByLabel("show the curves as").selectOption("rolling median");
    await page.getByLabel("frames of the median").fill("20");
    await page.getByLabel("show the curves as").selectOption("difference of rolling medians");
    await asked;
    const arriving = page.waitForEvent("download");
    await page.getByRole("button", { name: "SVG", exact: true }).click();
    expect(readFileSync(await (await arriving).path(), "utf8")).toContain("step of the median of 20 frames, px");
    expect(errors).toEqual([]);
    await page.context().close();
  });

  test("at every zoom the picture fills its canvas", async () => {
    const { page } = await openPage(chromium.browser, shared.running.address, DESKTOP);
    const picture = page.getByRole("img", { name: /Image of the chip/ });
    await picture.waitFor();
    await expect.poll(() => emptyCorners(page)).toEqual([]);
    await picture.focus();
    for (const keys of [["-", "-"], ["+", "+", "+"], Array(30).fill("ArrowLeft"), Array(30).fill("ArrowUp"), ["-"]]) {
      for (const key of keys) await page.keyboard.press(key as string);
      await expect.poll(() => emptyCorners(page), { message: String(keys[0]) }).toEqual([]);
    }
    await page.context().close();
  });
});

/** Whether anything but the ground is on a canvas. */
function isDrawn(page: Page, selector: string): Promise<unknown> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector("${selector}");
    const { data } = canvas.getContext("2d").getImageData(0, 0, Math.max(1, canvas.width), Math.max(1, canvas.height));
    return data.some((value) => value !== 0);
  })()`);
}

/** Corners of the picture's canvas where nothing is drawn. */
function emptyCorners(page: Page): Promise<unknown> {
  return page.evaluate(`(() => {
    const canvas = document.querySelector(".picture canvas");
    const context = canvas.getContext("2d");
    const ends = (length) => [1, length - 2];
    return ends(canvas.width).flatMap((x) => ends(canvas.height).map((y) => [x, y]))
      .filter(([x, y]) => context.getImageData(x, y, 1, 1).data[3] !== 255);
  })()`);
}
