import { expect, test } from "vitest";
import { type Usage, usageLine } from "../../src/commands/usage-line.ts";

const EXPORT: Usage = {
  words: [],
  command: "export",
  commands: ["export", "import", "run"],
  subcommands: [],
  options: ["format", "since", "check-rois", "checkRois"],
  help: () => "",
};

test.each<[string, Partial<Usage>, string]>([
  [
    "Unknown argument: exprt",
    { words: ["exprt"], command: undefined },
    'there is no command "exprt"; did you mean export? (phorest --help)',
  ],
  [
    "Unknown argument: qqqqqqqq",
    { words: ["qqqqqqqq"], command: undefined },
    'there is no command "qqqqqqqq" (phorest --help)',
  ],
  [
    "Unknown argument: fromat",
    { words: ["export", "--fromat=csv"] },
    "there is no option --fromat; did you mean --format? (phorest export --help)",
  ],
  [
    "Unknown arguments: check-rios, checkRios",
    { words: ["--check-rios"], options: [...EXPORT.options, "check-rios", "checkRios"] },
    "there is no option --check-rios; did you mean --check-rois? (phorest export --help)",
  ],
  ["Unknown argument: q", { words: ["export", "-q"] }, "there is no option -q (phorest export --help)"],
  ["Unknown argument: foo", { words: ["export", "foo"] }, 'unexpected argument "foo" (phorest export --help)'],
  [
    "Unknown argument: ad",
    { words: ["markers", "ad"], command: "markers", subcommands: ["add", "list"] },
    'unexpected argument "ad"; did you mean markers add? (phorest markers --help)',
  ],
  [
    "Implications failed:\n records -> out",
    { command: "report", words: ["report", "--records", "r.jsonl"] },
    "--records needs --out (phorest report --help)",
  ],
  [
    "Not enough non-option arguments: got 1, need at least 2",
    {
      words: ["compare", "a"],
      command: "compare",
      help: () =>
        "phorest compare <a> <b>\n\nPositionals:\n  a  The first  [string] [required]\n  b  The other  [string] [required]\n\n" +
        "Examples:\n  phorest compare one two  side by side\n  phorest compare one three  too\n",
    },
    "<b> (The other) is missing, for example: phorest compare one two (phorest compare --help)",
  ],
  ["Missing required argument: format", { words: ["export"] }, "--format is missing (phorest export --help)"],
  [
    "Missing required argument: format",
    { words: ["export", "--fromat", "csv"] },
    "there is no option --fromat; did you mean --format? (phorest export --help)",
  ],
  [
    "Not enough arguments following: since",
    { words: ["export", "--since"] },
    "--since needs a value (phorest export --help)",
  ],
  [
    'Invalid values:\n  Argument: format, Given: "cvs", Choices: "csv", "json"',
    { words: ["export", "--format", "cvs"] },
    "--format cvs: choose from csv, json; did you mean csv? (phorest export --help)",
  ],
])("%s", (complaint, usage, line) => {
  expect(usageLine(complaint, { ...EXPORT, ...usage })).toBe(line);
});
