// The page's own colours as the style sheet has them in the present theme.

/** The page's own colours, for canvases. */
export function theme(name: "--text" | "--quiet" | "--line" | "--ground" | "--card" | "--accent"): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
