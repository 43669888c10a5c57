// Reads the page's own colours from the style sheet in the current theme.

/** Returns one of the page's own colours, for canvases. */
export function theme(name: "--text" | "--quiet" | "--line" | "--ground" | "--card" | "--accent"): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
