// An empty directory per test, manifests closed at its end, and child processes killed at its end.
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { Manifest } from "../../src/manifest/manifest.ts";
import { manifestFile } from "./frames.ts";

export function openManifest(directory: string, options: { readonly?: boolean } = {}): Manifest {
  const manifest = Manifest.open({ file: manifestFile(directory), ...options });
  onTestFinished(() => manifest.close());
  return manifest;
}

/** Starts `children/<name>.ts` on a directory and waits until it prints its line. */
export async function startChild(
  name: string,
  directory: string,
  options: { uid?: number } = {},
): Promise<{ child: ChildProcess; line: string }> {
  const script = fileURLToPath(new URL(`children/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", script, directory], {
    stdio: ["ignore", "pipe", "inherit"],
    ...options,
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout?.once("data", (bytes: Buffer) => resolve(bytes.toString()));
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code} before it said anything`)));
  });
  return { child, line };
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  await new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
  });
}
