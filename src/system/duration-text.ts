/**
 * Returns a duration in seconds as a person would say it, in one unit: "45 s", "12 min", "7 h", "3 days". Never "0 s": a duration
 * below one second is "1 s".
 */
export function durationText(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Returns how long ago something was: "7 h ago"; "just now" below one second. */
export function agoText(seconds: number): string {
  return seconds < 1 ? "just now" : `${durationText(seconds)} ago`;
}
