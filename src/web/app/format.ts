// Formats numbers and times for people. All times are UTC, as in the files.
export function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

export function moment(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** "2026-03-04 10:00:00 to 10:14:30 UTC"; the second day where it is another one. */
export function span(fromMs: number, toMs: number): string {
  const to = moment(toMs);
  return `${moment(fromMs).slice(0, -4)} to ${to.slice(0, 10) === moment(fromMs).slice(0, 10) ? to.slice(11) : to}`;
}

export function duration(seconds: number): string {
  if (seconds < 1) return "now";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

export function bytes(count: number): string {
  if (count >= 1e12) return `${(count / 1e12).toFixed(2)} TB`;
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  return `${Math.round(count / 1e6)} MB`;
}

/** A message as a sentence of its own; a file name or a command at its start stays as it is. */
export function sentence(message: string): string {
  return /^(?!phorest)[a-z]+ /.test(message) ? `${message.charAt(0).toUpperCase()}${message.slice(1)}` : message;
}

export function number(value: number | null | undefined, digits = 3): string {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

export function percent(share: number): string {
  return share === 0 ? "0 %" : share < 0.001 ? "less than 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
