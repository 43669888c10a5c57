// The system's Chromium, driven; and what must hold on every page it shows.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { isThere } from "../support/needed.ts";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Where a browser is; undefined on a machine without one. */
export const CHROMIUM = [process.env.CHROMIUM ?? "", ...PLACES].find((path) => path !== "" && existsSync(path));

export const HAS_CHROMIUM = isThere("Chromium (apt-get install chromium)", CHROMIUM !== undefined);

export const DESKTOP: BrowserContextOptions = { viewport: { width: 1360, height: 900 }, deviceScaleFactor: 1 };
export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};

/** How long a test waits for what it expects of a page: Playwright's 30 s are too short on a busy machine. */
const PATIENCE_MS = 100_000;

export function launch(): Promise<Browser> {
  return chromium.launch({
    timeout: PATIENCE_MS,
    executablePath: CHROMIUM ?? "",
    args: ["--no-sandbox", "--disable-gpu"],
  });
}

export interface Watched {
  readonly page: Page;
  /** Errors on the console, and failures of scripts. Not that the server was too busy to answer: then the page asks again. */
  readonly errors: string[];
  /** Requests to anywhere but the page's own server. */
  readonly unknownNames: string[];
}

/** A page that notes what must not happen on it. */
export async function openPage(browser: Browser, address: string, options: BrowserContextOptions): Promise<Watched> {
  const context = await browser.newContext({ ...options, acceptDownloads: true });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const errors: string[] = [];
  const unknownNames: string[] = [];
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    if (!/status of 503/.test(message.text())) errors.push(`${message.text()} ${message.location().url}`);
  });
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "blob:" && protocol !== "data:" && origin !== new URL(address).origin)
      unknownNames.push(request.url());
  });
  await page.goto(address);
  return { page, errors, unknownNames };
}

export const VIEWS = ["now", "sensorgrams", "assay", "gratings", "chip", "images", "experiment"] as const;
export type View = (typeof VIEWS)[number];

/** What shows that a view has its data. */
export const READY: Readonly<Record<View, string>> = {
  now: ".histogram path",
  sensorgrams: ".uplot canvas",
  assay: ".chip.map rect",
  gratings: "canvas.panels",
  chip: ".chip rect",
  images: "img.difference",
  experiment: ".log div",
};

/** Goes to a view, and waits for its data. */
export async function turnTo(page: Page, view: View): Promise<void> {
  await page.getByRole("link", { name: new RegExp(`^${view}$`, "i") }).click();
  await page.locator(READY[view]).first().waitFor();
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** What axe finds wrong with the page for people who do not see it or use no mouse, a line each. */
export async function inaccessible(page: Page): Promise<string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  // By the debugger, not as a script of the page: its own rules let no foreign script run.
  await page.evaluate(source);
  const { violations } = (await page.evaluate("axe.run()")) as AxeResult;
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html} ${nodes[0]?.failureSummary ?? ""}`);
}
