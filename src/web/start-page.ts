// A page that lists experiments. Choosing one opens its own page at a separate address.
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { Failure } from "../failure/failure.ts";
import { megabytes } from "../system/byte-size.ts";
import { counted } from "../system/counted.ts";
import { escapeMarkup } from "../system/markup.ts";
import { guard, SECURITY_HEADERS } from "./auth.ts";
import type { ListedExperiment } from "./experiment-list.ts";
import { boundedServer, end, listenAt } from "./server.ts";

export interface StartPageOptions {
  readonly host: string;
  readonly port: number;
  /** Token for users on another computer. */
  readonly token: string;
  readonly title: string;
  /** Number of experiments. */
  readonly count: number;
  /** Returns the list. Reads every database. */
  list(): readonly ListedExperiment[];
  /** Opens the page of a listed experiment, if it is not open yet; returns its address. */
  open(index: number): Promise<string>;
  /** Returns the page that compares two listed experiments. Rejects with a Failure `usage.invalid` if they cannot be compared. */
  compare(a: number, b: number): Promise<string>;
  complain(message: string): void;
}

/** Serves the list until it is closed. */
export async function openStartPage(options: StartPageOptions): Promise<{ address: string; close(): Promise<void> }> {
  const app = new Hono();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value);
    context.res.headers.set(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'",
    );
    context.res.headers.set("Cache-Control", "no-store");
  });
  app.use(guard(options.host, options.token));
  app.get("/", (context) => context.html(startPage(options.title, options.list())));
  app.get("/open/:index{[0-9]{1,4}}", async (context) => {
    const index = Number(context.req.param("index"));
    if (index >= options.count) return context.text("there is no such experiment", 404);
    return context.redirect(await options.open(index));
  });
  app.get("/compare", async (context) => {
    const [a, b] = ["a", "b"].map((side) => Number(context.req.query(side) ?? Number.NaN));
    const isListed = (index: number | undefined): index is number =>
      index !== undefined && Number.isInteger(index) && index >= 0 && index < options.count;
    if (!isListed(a) || !isListed(b)) return context.text("choose an experiment as A and another one as B", 400);
    return context.html(await options.compare(a, b));
  });
  app.onError((error, context) => {
    if (error instanceof Failure) return context.text(error.line, 400);
    options.complain(error.message);
    return context.text(error.message, 500);
  });
  const server = boundedServer(getRequestListener(app.fetch));
  const address = await listenAt(server, options.host, options.port);
  return { address, close: () => end(server) };
}

const HEAD = ["experiment", "sample", "first frame", "last frame", "frames", "size", "state"];

/**
 * In a narrow window each row becomes a block whose cells show their column's header, so that nobody has to scroll sideways.
 */
const STYLE = `:root{color-scheme:light dark;--ground:#f6f7f8;--card:#fff;--text:#1b2026;--quiet:#555e69;--line:#d5dae0;--accent:#14623a}
@media(prefers-color-scheme:dark){:root{--ground:#12161b;--card:#1b2128;--text:#e8ebee;--quiet:#a5aeb8;--line:#37404a;--accent:#7fd8a4}}
body{font:15px/1.45 system-ui,sans-serif;margin:0;background:var(--ground);color:var(--text)}
main{max-width:80rem;margin:auto;padding:1rem}h1{font-size:1.1rem;margin:0;overflow-wrap:anywhere}p,small,th{color:var(--quiet)}
p{margin:.2rem 0 1rem}div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.5rem .9rem}
a{color:var(--accent);font-weight:600}button{font:inherit;padding:.4rem .9rem;margin-top:.6rem}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.5rem 1rem .5rem 0;overflow-wrap:anywhere}th{font-weight:500;white-space:nowrap}
tr+tr td,thead+tbody td{border-top:1px solid var(--line)}td:nth-child(n+3){white-space:nowrap}td:last-child{white-space:normal;overflow-wrap:break-word}
th:nth-child(5),td:nth-child(5),th:nth-child(6),td:nth-child(6){text-align:right}
@media(max-width:48rem){table,tbody,tr,td{display:block}thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
tr{padding:.5rem 0;border-top:1px solid var(--line)}tr:first-child{border:0}tr td,tr+tr td,thead+tbody td{border:0;padding:.05rem 0}
td:nth-child(n+2){display:flex;justify-content:space-between;gap:1rem}td:nth-child(n+2):empty{display:none}
td:nth-child(n+2)::before{color:var(--quiet);white-space:nowrap}
${HEAD.map((head, at) => (at === 0 ? "" : `td:nth-child(${at + 1})::before{content:"${head}"}`)).join("")}}`;

/** Returns the list as HTML. */
function startPage(title: string, experiments: readonly ListedExperiment[]): string {
  const isOne = experiments.length < 2;
  const rows = experiments.map((experiment, index) => {
    const cells = cellsOf(experiment).map((cell) => `<td>${escaped(cell)}</td>`);
    const name = `<a href="/open/${index}">${escaped(experiment.name)}</a><br><small>${escaped(experiment.path)}</small>`;
    const sides = isOne ? "" : `<br>${["A", "B"].map((side) => sideChoice(side, index, experiment.name)).join(" ")}`;
    return `<tr><td>${name}${sides}</td>${cells.join("")}</tr>`;
  });
  const head = HEAD.map((cell) => `<th scope="col">${cell}</th>`).join("");
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escaped(title)}</title>
<style>${STYLE}</style></head>
<body><main><h1>${escaped(title)}</h1><p>${counted(experiments.length, "experiment")}</p>
<form action="/compare"><div><table><thead><tr>${head}</tr></thead><tbody>
${rows.join("\n")}
</tbody></table></div>${isOne ? "" : "<p><button>Compare A and B</button></p>"}</form></main></body></html>
`;
}

/** Returns the button that chooses an experiment as one side of the comparison. */
function sideChoice(side: string, index: number, name: string): string {
  const label = `${side}: ${escaped(name)}`;
  const input = `<input type="radio" required name="${side.toLowerCase()}" value="${index}" aria-label="${label}">`;
  return `<label>${input} ${side}</label>`;
}

function cellsOf({
  sample,
  zone,
  firstUs,
  lastUs,
  frames,
  failed,
  bytes,
  holder,
  problem,
}: ListedExperiment): string[] {
  if (problem !== undefined) return [sample ?? "", "", "", "", "", problem];
  const time = (us: number | undefined) =>
    us === undefined ? "" : `${zone.day(us)} ${zone.clock(us).slice(0, 5)} ${zone.name}`;
  const measured = failed === 0 ? String(frames) : `${frames} (${failed} failed)`;
  return [
    sample ?? "",
    time(firstUs),
    time(lastUs),
    measured,
    megabytes(bytes),
    holder === undefined ? "stopped" : "running",
  ];
}

const escaped = (text: string): string => escapeMarkup(text).replaceAll('"', "&quot;");
