// All checks of `phorest doctor`, in order.
import type { Check } from "./check.ts";
import { database } from "./database.ts";
import { camera, opcUa, remote, sensors } from "./devices.ts";
import { clock, diskSpace, diskSpeed, mounts, permissions } from "./disk.ts";

export const CHECKS: readonly Check[] = [
  permissions,
  database,
  diskSpace,
  diskSpeed,
  mounts,
  clock,
  camera,
  sensors,
  remote,
  opcUa,
];
