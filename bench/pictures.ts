// Takes the pictures of docs/web.md and the user guide: npx tsx bench/pictures.ts [--dir DIR --link LINK] after `npm run build`.
// Every view of the page and of the terminal for a simulated experiment: a new one, which takes four minutes, or the one
// that runs in DIR and is controlled through LINK. Needs Chromium and tmux.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { packageRoot, writeDurably } from "../src/system/files.ts";
import { escapeMarkup } from "../src/system/markup.ts";
import type { CurvesView, StateView } from "../src/web/views.ts";
import { DESKTOP, launch, PHONE, turnTo } from "../test/web/browser.ts";
import { Running } from "../test/web/running.ts";

const { values: options } = parseArgs({ options: { dir: { type: "string" }, link: { type: "string" } } });
const OUT = join(packageRoot(), "docs/images");
const BINDING_SECONDS = 45;
const CONFIG = `
[Timing]
collector_interval_seconds = 2
communicator_interval_seconds = 20
[Services]
enable_thermocouple = true
[Temperature.command_sensors]
"Flow cell" = ["sh", "-c", "date +%s | awk '{print 24.6 + 0.25*sin($1/70) + 0.02*sin($1*7.3)}'"]
"Room air" = ["sh", "-c", "date +%s | awk '{print 21.4 + 0.15*sin($1/190) + 0.03*sin($1*3.1)}'"]
[Camera]
camera_type = "simulated"
[Buffer]
image_buffer_size = 500
[Simulation]
binding_time_seconds = ${BINDING_SECONDS}
binding_shift_px = 6
[Analysis]
baseline_seconds = ${BINDING_SECONDS / 4}
sensitivity_px_per_riu = 2500
[Web]
port = 0
`;
/** Phases of the simulated experiment, in time constants of the binding. */
const EVENTS = [
  [0.25, "streptavidin, 100 nM"],
  [3.25, "buffer"],
] as const;
const LENGTH = 5;

interface Shown {
  readonly directory: string;
  readonly link: string;
  end(): Promise<unknown>;
}

async function experiment(): Promise<Shown> {
  const { dir, link } = options;
  if (dir !== undefined && link !== undefined) return { directory: dir, link, end: async () => undefined };
  const directory = join(mkdtempSync(join(tmpdir(), "phorest-pictures-")), "Streptavidin on chip 4");
  mkdirSync(directory);
  const running = await Running.start(directory, CONFIG, (LENGTH * BINDING_SECONDS) / 2);
  const end = async () => {
    await running.stop();
    rmSync(dirname(directory), { recursive: true, force: true });
  };
  return { directory, link: running.link, end };
}

/** Adds the markers that a user would have added meanwhile. */
async function note({ link }: Shown): Promise<void> {
  const { origin, hash } = new URL(link);
  const headers = { Authorization: `Bearer ${hash.slice("#token=".length)}`, "Content-Type": "application/json" };
  const { markers } = (await (await fetch(`${origin}/api/state`)).json()) as StateView;
  const { span } = (await (await fetch(`${origin}/api/curves?roi=*`)).json()) as CurvesView;
  if (markers.length > 0) return;
  for (const [at, text] of EVENTS) {
    const body = JSON.stringify({ at: span[0] + 1000 * at * BINDING_SECONDS, text });
    await fetch(`${origin}/api/markers`, { method: "POST", headers, body });
  }
}

async function keep(page: Page, name: string): Promise<void> {
  // A cursor's blink or a focus ring would differ from call to call.
  await page.evaluate("document.activeElement?.blur()");
  await sleep(700);
  await writeDurably(join(OUT, `${name}.png`), await page.screenshot({ type: "png" }));
  process.stdout.write(`${name}\n`);
}

async function opened(browser: Browser, link: string, more: BrowserContextOptions): Promise<Page> {
  const page = await (await browser.newContext(more)).newPage();
  await page.goto(link);
  return page;
}

async function takePage(browser: Browser, { link }: Shown): Promise<void> {
  const page = await opened(browser, link, DESKTOP);
  await turnTo(page, "now");
  await page
    .getByText(/good|quality/)
    .first()
    .waitFor();
  await keep(page, "page-now");
  await turnTo(page, "sensorgrams");
  await page.getByText(/\d+ frames\. /).waitFor();
  await keep(page, "page-sensorgrams");
  await turnTo(page, "chip");
  await page.locator(".chip rect").nth(40).click();
  await page.getByRole("img", { name: /profile of/i }).waitFor();
  await keep(page, "page-chip");
  await turnTo(page, "experiment");
  await keep(page, "page-experiment");
  await page.getByRole("button", { name: "Use the last frame" }).click();
  await page.getByRole("button", { name: /^Accept/ }).waitFor();
  await keep(page, "page-calibration");
  await page.getByRole("button", { name: "Discard" }).click();
  await page.context().close();
  const dark = await opened(browser, link, { ...DESKTOP, colorScheme: "dark" });
  await turnTo(dark, "sensorgrams");
  await dark.getByText(/\d+ frames\. /).waitFor();
  await keep(dark, "page-dark");
  await dark.context().close();
  const phone = await opened(browser, link, PHONE);
  await turnTo(phone, "now");
  await keep(phone, "page-phone");
  await phone.context().close();
}

const COLUMNS = 118;

/** Returns what a terminal shows of a command after a while. */
async function terminal(name: string, directory: string, args: readonly string[], rows: number): Promise<string> {
  const tmux = (...more: string[]) => {
    const { status, stdout, stderr } = spawnSync("tmux", ["-L", `phorest-${name}`, ...more], {
      encoding: "utf8",
      env: { ...process.env, LANG: "C.UTF-8" },
    });
    if (status !== 0) throw new Error(`tmux ${more[0]}: ${stderr}`);
    return stdout;
  };
  const command = [process.execPath, join(packageRoot(), "bin/phorest.js"), ...args];
  tmux("-f", "/dev/null", "new-session", "-d", "-x", `${COLUMNS}`, "-y", `${rows}`, "-c", directory, ...command);
  try {
    await sleep(7000);
    return tmux("capture-pane", "-e", "-p");
  } finally {
    tmux("kill-server");
  }
}

/** The colours the product's own terminal views use. */
const SGR: Readonly<Record<string, string>> = {
  "1": "font-weight:bold",
  "2": "opacity:.6",
  "31": "color:#ff7b72",
  "32": "color:#7ee787",
  "33": "color:#e3b341",
  "34": "color:#79c0ff",
  "36": "color:#56d4dd",
  "90": "opacity:.6",
};

const ESCAPE = "\u001b[";

function htmlOf(capture: string): string {
  let style = "";
  const [before = "", ...rest] = capture.trimEnd().split(ESCAPE);
  const pieces = rest.map((piece) => {
    const end = piece.indexOf("m");
    for (const code of piece.slice(0, end).split(";")) {
      if (code === "" || code === "0") style = "";
      else if (code === "39") style = style.replace(/color:[^;]*;/g, "");
      else if (code === "22") style = style.replace(/(font-weight|opacity):[^;]*;/g, "");
      else if (SGR[code] !== undefined) style += `${SGR[code]};`;
    }
    return `<span style="${style}">${escapeMarkup(piece.slice(end + 1))}</span>`;
  });
  const font = readFileSync(createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSansMono.ttf"));
  return `<style>@font-face{font-family:mono;src:url(data:font/ttf;base64,${font.toString("base64")})}
    body{margin:0;background:#0d1117;color:#e6edf3}pre{font:14px/1.3 mono;margin:0;padding:14px;display:inline-block}
    </style><pre>${escapeMarkup(before)}${pieces.join("")}</pre>`;
}

async function takeTerminal(browser: Browser, { directory }: Shown): Promise<void> {
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 700 } })).newPage();
  for (const [name, args, rows] of [
    ["terminal-status", ["status", "--watch"], 34],
    ["terminal-menu", ["menu"], 24],
  ] as const) {
    await page.setContent(htmlOf(await terminal(name, directory, args, rows)));
    await page.evaluate("document.fonts.ready");
    await writeDurably(join(OUT, `${name}.png`), await page.locator("pre").screenshot({ type: "png" }));
    process.stdout.write(`${name}\n`);
  }
}

const shown = await experiment();
const browser = await launch();
try {
  await note(shown);
  await takePage(browser, shown);
  await takeTerminal(browser, shown);
} finally {
  await browser.close();
  await shown.end();
}
process.stdout.write(`the images of ${basename(shown.directory)} are in ${OUT}\n`);
