// Tests a documentation page with a complete example by building it into a copy of the program.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect } from "vitest";
import { packageRoot } from "../../src/system/files.ts";
import { slowOnly } from "./slow-only.ts";

const UNCHANGED = ["package.json", "node_modules", "build", "native", "chips", "workers", "test", "bench"];

export class ExamplePage {
  /** Directory of the copy. */
  readonly copy = mkdtempSync(join(tmpdir(), "phorest-example-"));
  private readonly root = packageRoot();
  private readonly page: string;

  /** `page`: its path from the root, such as docs/adding-a-stage.md. */
  constructor(page: string) {
    slowOnly("compiling an example");
    this.page = readFileSync(join(this.root, page), "utf8");
    for (const name of UNCHANGED) symlinkSync(join(this.root, name), join(this.copy, name));
    cpSync(join(this.root, "src"), join(this.copy, "src"), { recursive: true });
  }

  /** Returns the TypeScript block after the comment `<!-- marker -->`. */
  code(marker: string): string {
    const code = this.page.split(`<!-- ${marker} -->\n\`\`\`ts\n`)[1]?.split("```")[0];
    if (code === undefined) throw new Error(`the page has no code behind <!-- ${marker} -->`);
    return code;
  }

  /** Writes the file that the page shows after `<!-- file: PATH -->`. */
  add(path: string): void {
    const file = join(this.copy, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, this.code(`file: ${path}`));
  }

  /** Replaces texts, which must exist. */
  edit(path: string, ...changes: readonly (readonly [from: string, to: string])[]): void {
    const file = join(this.copy, path);
    let text = readFileSync(file, "utf8");
    for (const [from, to] of changes) {
      expect(text).toContain(from);
      text = text.replace(from, to);
    }
    writeFileSync(file, text);
  }

  /** Adds a row at the end of the table or list that begins with `start`, wherever it ends. */
  addRow(path: string, start: string, row: string): void {
    const file = join(this.copy, path);
    const text = readFileSync(file, "utf8");
    const end = /^[\]}]/m.exec(text.slice(text.indexOf(start)))?.index;
    expect(text).toContain(start);
    if (end === undefined) throw new Error(`${path}: what begins with "${start}" does not end`);
    const at = text.indexOf(start) + end;
    writeFileSync(file, text.slice(0, at) + row + text.slice(at));
  }

  /** Adds a line of imports at the top of a file. */
  addImport(path: string, line: string): void {
    const file = join(this.copy, path);
    writeFileSync(file, `${line}\n${readFileSync(file, "utf8")}`);
  }

  /** Returns the compiler's output for a file of the copy and all its imports. */
  typesOf(path: string): { readonly status: number | null; readonly stdout: string } {
    const options = { extends: join(this.root, "tsconfig.json"), include: [path] };
    writeFileSync(join(this.copy, "tsconfig.json"), JSON.stringify(options));
    return spawnSync(join(this.root, "node_modules/.bin/tsc"), ["--noEmit", "-p", this.copy], { encoding: "utf8" });
  }

  /** Loads a module of the copy. */
  async load<Module>(path: string): Promise<Module> {
    return (await import(pathToFileURL(join(this.copy, path)).href)) as Module;
  }

  remove(): void {
    rmSync(this.copy, { recursive: true, force: true });
  }
}
