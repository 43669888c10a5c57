/** A number and what it counts: "1 image", "2 images". `many` for words that do not just take an s. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
