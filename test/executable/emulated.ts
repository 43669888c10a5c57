// What it takes to run a program for arm64 on another processor.
import { existsSync } from "node:fs";

/** glibc and libstdc++ for arm64, which come with Debian's cross compiler. */
export const LIBRARIES = "/usr/aarch64-linux-gnu";
const EMULATORS = ["/usr/bin/qemu-aarch64-static", "/usr/bin/qemu-aarch64"];
export const EMULATOR = EMULATORS.find((path) => existsSync(path)) ?? "qemu-aarch64-static";

/** What is missing here, and how to install it, in one line; undefined where arm64 can be emulated. */
export function lackingForArm64(): string | undefined {
  const absent = [EMULATOR, LIBRARIES].filter((path) => !existsSync(path));
  if (absent.length === 0) return undefined;
  return `${absent.join(" and ")} not found: sudo apt install qemu-user-static g++-aarch64-linux-gnu`;
}
