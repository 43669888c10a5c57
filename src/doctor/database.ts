// The check of the database.
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { DAMAGE_CURE } from "../failure/database-failure.ts";
import { MANIFEST_FILENAME } from "../manifest/manifest.ts";
import { damageOf, readDamageNote } from "../manifest/soundness.ts";
import { megabytes } from "../system/byte-size.ts";
import { fileSize } from "../system/files.ts";
import { bad, type Check, good, off } from "./check.ts";

export const database: Check = {
  name: "database",
  async run({ Paths }) {
    const path = join(Paths.data_dir, MANIFEST_FILENAME);
    if (!existsSync(path)) return off("no experiment yet");
    const damage = damageOf(path) ?? readDamageNote(path);
    if (damage !== undefined) return bad(damage.message, DAMAGE_CURE);
    return good(`${basename(path)}: ${megabytes(fileSize(path) ?? 0)}, no damage found`);
  },
};
