// Builds a report as one HTML page that can be mailed and opened anywhere: text, tables and pictures, all inside, without
// scripts or external resources.
import { escapeMarkup } from "../system/markup.ts";

export interface HtmlSection {
  readonly title: string;
  /** A sentence or two under the title. */
  readonly note?: string;
  readonly table?: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };
  readonly figure?: { readonly alt: string; readonly png: Uint8Array };
  /** Preformatted text, such as a configuration; folded. */
  readonly text?: string;
}

const STYLE = `
:root{color-scheme:light}body{font:15px/1.45 "DejaVu Sans",Verdana,Helvetica,Arial,sans-serif;color:#222;background:#fff;
max-width:72rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2.2rem;
border-bottom:1px solid #ddd;padding-bottom:.2rem}p.note{color:#555}img{max-width:100%;min-width:40rem;height:auto}
div.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #eee;vertical-align:top}td.n{white-space:nowrap}
pre{background:#f6f6f6;padding:.8rem;overflow-x:auto;font-size:12px}summary{cursor:pointer}@media print{details{display:none}}`;

/** Returns the page. The policy in its head forbids running or loading anything, even if a label or a message contains HTML. */
export function htmlReport(title: string, subtitle: string, sections: readonly HtmlSection[]): string {
  const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
  return [
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">`,
    `<meta http-equiv="Content-Security-Policy" content="${policy}">`,
    `<meta name="viewport" content="width=device-width, initial-scale=1">`,
    `<title>${escaped(title)}</title>\n<style>${STYLE}</style>\n</head>\n<body>\n<main>`,
    `<h1>${escaped(title)}</h1>\n<p class="note">${escaped(subtitle)}</p>`,
    ...sections.map(section),
    "</main>\n</body>\n</html>\n",
  ].join("\n");
}

function section({ title, note, table, figure, text }: HtmlSection): string {
  const parts = [`<section>\n<h2>${escaped(title)}</h2>`];
  if (note !== undefined) parts.push(`<p class="note">${escaped(note)}</p>`);
  if (figure !== undefined) {
    const data = Buffer.from(figure.png).toString("base64");
    // On a narrow screen the figure scrolls; at that width its text could not be read.
    parts.push(scrolling(title, `<img alt="${escaped(figure.alt)}" src="data:image/png;base64,${data}">`));
  }
  if (table !== undefined) {
    const head = table.head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join("");
    const rows = table.rows.map((row) => `<tr>${row.map(cellOf).join("")}</tr>`);
    const body = `<table>\n<thead><tr>${head}</tr></thead>\n<tbody>\n${rows.join("\n")}\n</tbody>\n</table>`;
    parts.push(scrolling(title, body));
  }
  if (text !== undefined) parts.push(`<details><summary>Show</summary>\n<pre>${escaped(text)}</pre></details>`);
  return [...parts, "</section>"].join("\n");
}

/** A number must not be broken in the middle: half of it is another number. */
function cellOf(text: string): string {
  const isNumber = /^[\d\u2212-][\d.e\u2212+±()% -]*$/.test(text);
  return `<td${isNumber ? ' class="n"' : ""}>${escaped(text)}</td>`;
}

/** Returns content that may be wider than the screen; it can be scrolled with the keyboard too. */
function scrolling(name: string, content: string): string {
  return `<div class="wide" tabindex="0" role="region" aria-label="${escaped(name)}">${content}</div>`;
}

function escaped(text: string): string {
  return escapeMarkup(text).replaceAll('"', "&quot;");
}
