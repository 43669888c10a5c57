// Reads config.ini, the format that the established system used before TOML: unquoted texts, comments that begin with ";", and
// Python lists and tables. Each line becomes one line of TOML, so that line numbers in messages are right.

const KEY_VALUE = /^(\s*[\w.-]+)\s*[=:]\s*(.*)$/;
/** Values that TOML reads unchanged: numbers, lists, quoted texts. */
const PLAIN = /^(?:[+-]?\d+(?:\.\d+)?|\[.*\]|"[^"]*"|'[^']*')$/;
const SWITCH = /^(?:true|yes|on|false|no|off)$/i;
const IS_ON = /^(?:true|yes|on)$/i;

/** Returns the text of an INI file as TOML. Lines that are not settings stay, so that the parser reports them. */
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
  // A Python dict: {'28-00000a1b2c3d': 'Flow cell'}
  if (/^\{.*\}$/.test(value)) return value.replace(/(["'])\s*:\s*(["'])/g, "$1 = $2");
  return PLAIN.test(value) ? value : JSON.stringify(value);
}
