/** Returns a number and what it counts: "1 image", "2 images". `many` is the plural if it does not just add an s. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Returns the first `most` names of a list, and the number of the others: "a, b, c and 4 more". */
export function shortList(names: readonly string[], most: number): string {
  const more = names.length > most ? ` and ${names.length - most} more` : "";
  return `${names.slice(0, most).join(", ")}${more}`;
}
