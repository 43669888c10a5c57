// The configuration of the established system before it used TOML: config.ini, with bare texts, comments that begin with ";",
// and Python's lists and tables. Its lines become lines of TOML, one for one, so that messages name the right ones.

const KEY_VALUE = /^(\s*[\w.-]+)\s*[=:]\s*(.*)$/;
/** What TOML reads as it is: numbers, lists, texts in quotes. */
const PLAIN = /^(?:[+-]?\d+(?:\.\d+)?|\[.*\]|"[^"]*"|'[^']*')$/;
const SWITCH = /^(?:true|yes|on|false|no|off)$/i;
const IS_ON = /^(?:true|yes|on)$/i;

/** The text of an INI file as TOML. Lines that are no setting stay, for the parser to refuse. */
export function tomlOfIni(text: string): string {
  return text.split("\n").map(lineOf).join("\n");
}

function lineOf(whole: string): string {
  const line = whole.trimEnd();
  if (/^\s*;/.test(line)) return line.replace(";", "#");
  if (/^\s*(?:#|\[|$)/.test(line)) return line;
  const [, key, given] = KEY_VALUE.exec(line) ?? [];
  if (key === undefined || given === undefined) return line;
  const value = given.replace(/\s+[#;].*$/, "");
  return `${key} = ${tomlValueOf(value)}`;
}

function tomlValueOf(value: string): string {
  if (SWITCH.test(value)) return String(IS_ON.test(value));
  // A table of Python: {'28-00000a1b2c3d': 'Flow cell'}
  if (/^\{.*\}$/.test(value)) return value.replace(/(["'])\s*:\s*(["'])/g, "$1 = $2");
  return PLAIN.test(value) ? value : JSON.stringify(value);
}
