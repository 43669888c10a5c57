// The kernel and its sources in a small checkout; the note is written by the script that the real set-up runs.
import { execFileSync } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { encodeFailure } from "../../src/failure/failure.ts";
import { checkKernelSources } from "../../src/native/native-sources.ts";
import { packageRoot } from "../../src/system/files.ts";

/** A checkout whose kernel was just compiled. */
function compiled(): string {
  const root = mkdtempSync(join(tmpdir(), "phorest-checkout-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  cpSync(join(packageRoot(), "native"), join(root, "native"), { recursive: true });
  cpSync(join(packageRoot(), "binding.gyp"), join(root, "binding.gyp"));
  mkdirSync(join(root, "build", "Release"), { recursive: true });
  writeFileSync(join(root, "build", "Release", "phorest_kernel.node"), "compiled");
  execFileSync(process.execPath, [join(packageRoot(), "scripts", "native-sources.mjs"), root]);
  return root;
}

function lineOfRefusal(root: string): string {
  try {
    checkKernelSources(root);
  } catch (error) {
    const { code, message, hint } = encodeFailure(error);
    expect(code).toBe("installation.broken");
    expect(message).toMatch(/^[^\n]+$/);
    return `${message}; ${hint}`;
  }
  return "";
}

test("a kernel that was compiled from the sources beside it is taken", () => {
  expect(lineOfRefusal(compiled())).toBe("");
});

test.each(["native/fit/fit.cc", "native/fit/fit.h", "native/third_party/libdeflate/libdeflate.h", "binding.gyp"])(
  "%s has changed: the line names it, and the command",
  (path) => {
    const root = compiled();
    appendFileSync(join(root, path), "\n");
    expect(lineOfRefusal(root)).toBe(
      `the image kernel (${root}/build/Release/phorest_kernel.node) is older than its sources: ${path} changed after it was compiled; run \`npm ci\` in ${root}`,
    );
    rmSync(join(root, "native/addon/addon.cc"));
    expect(lineOfRefusal(root)).toMatch(/ and 1 more changed/);
  },
);

test("nothing is said of tests, nor where it cannot be known", () => {
  const root = compiled();
  writeFileSync(join(root, "native", "test", "other.cc"), "");
  expect(lineOfRefusal(root)).toBe("");
  appendFileSync(join(root, "native", "fit", "fit.cc"), "\n");
  // Compiled by hand since.
  const kernel = join(root, "build", "Release", "phorest_kernel.node");
  writeFileSync(kernel, "compiled again");
  expect(lineOfRefusal(root)).toBe("");
  writeFileSync(kernel, "compiled");
  expect(lineOfRefusal(root)).toContain("older than its sources");
  // The executable has neither.
  const note = join(root, "build", "Release", "phorest_kernel.sources.json");
  const content = readFileSync(note);
  rmSync(note);
  expect(lineOfRefusal(root)).toBe("");
  writeFileSync(note, content);
  rmSync(join(root, "native"), { recursive: true });
  expect(lineOfRefusal(root)).toBe("");
});
