// The section [Display]: how values are shown to people.
import * as z from "zod";
import { timeZoneProblem } from "../system/time-zone.ts";
import { field, section } from "./field.ts";

const timeZone = z
  .string()
  .superRefine((name, context) => {
    const problem = timeZoneProblem(name);
    if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
  })
  .default("UTC");

export const Display = section("How times are shown; files are always in UTC", {
  time_zone: field(
    timeZone,
    "Time zone of the page, plots, reports and the terminal, and of typed times that do not name one",
    { allowed: '"UTC", "local" (that of this computer), or a name such as "Europe/Berlin"' },
  ),
});
