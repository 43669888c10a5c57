// Thermometers of the machine itself and of USB probes with a driver, read through /sys/class/hwmon.
import { readdir, readFile, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { checkTemperature, ELECTRONIC_SENSOR, type Thermometer } from "./reading.ts";

const HWMON_DEVICES = "/sys/class/hwmon";

export interface HwmonInput {
  /**
   * chip/label, the name used in configuration files; the label is the driver's, otherwise temp1, temp2, ... Two chips of the
   * same name (two disks, two processors) are distinguished by their device: chip@device/label.
   */
  readonly id: string;
  /** The file that contains thousandths of a degree. */
  readonly file: string;
}

/** Returns all temperature inputs, by chip and label. The chips' numbers (hwmon0, ...) change between boots; names do not. */
export async function listHwmon(devices = HWMON_DEVICES): Promise<HwmonInput[]> {
  // Containers have no such directory.
  const chips = await readdir(devices).catch(() => []);
  const inputs = await Promise.all(chips.map((chip) => inputsOf(join(devices, chip))));
  const all = inputs.flat();
  const named = all.map(({ chip, device, label, file }) => {
    const twins = all.some((other) => other.device !== device && other.chip === chip && other.label === label);
    return { id: `${twins && device !== "" ? `${chip}@${device}` : chip}/${label}`, file };
  });
  return named.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Returns the thermometer for the input `id` (chip/label). It is looked up at each reading, because a USB probe may come back as
 * another hwmonN.
 */
export function hwmonThermometer(id: string, name: string, devices = HWMON_DEVICES): Thermometer {
  return {
    name,
    where: id,
    read: async () => {
      const input = (await listHwmon(devices)).find((one) => one.id === id);
      if (input === undefined) throw new Error("no such input; `phorest sensors` lists the available ones");
      if ((await firstLine(input.file.replace(/_input$/, "_fault"))) === "1")
        throw new Error("the driver reports a fault");
      const text = (await readFile(input.file, "utf8")).trim();
      if (!/^-?\d+$/.test(text)) throw new Error(`the driver returned "${text.slice(0, 40)}", which is not a number`);
      return checkTemperature(Number(text) / 1000, ELECTRONIC_SENSOR);
    },
  };
}

interface ChipInput {
  readonly chip: string;
  /** The bus name of the chip's device; empty if it has none. */
  readonly device: string;
  readonly label: string;
  readonly file: string;
}

async function inputsOf(directory: string): Promise<ChipInput[]> {
  const files = await readdir(directory).catch(() => []);
  const chip = (await firstLine(join(directory, "name"))) || "unnamed";
  const device = await realpath(join(directory, "device")).then(basename, () => "");
  const numbers = files.flatMap((file) => /^temp(\d+)_input$/.exec(file)?.[1] ?? []);
  return Promise.all(
    numbers.map(async (number) => {
      const label = (await firstLine(join(directory, `temp${number}_label`))) || `temp${number}`;
      return { chip, device, label, file: join(directory, `temp${number}_input`) };
    }),
  );
}

/** Labels are optional: a missing file counts as empty. */
async function firstLine(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch(() => "");
  return text.trim();
}
