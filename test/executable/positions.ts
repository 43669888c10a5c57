// What a record of `phorest analyse` says where resonances are, whatever the method.

/** Every number called a position in JSON lines, in order. */
export function positionsOf(lines: string): number[] {
  const found: number[] = [];
  const visit = (value: unknown, key: string): void => {
    if (typeof value === "number" && /position|resonance|median|mean/i.test(key)) found.push(value);
    else if (typeof value === "object" && value !== null)
      for (const [name, inner] of Object.entries(value)) visit(inner, name);
  };
  for (const line of lines.trim().split("\n")) visit(JSON.parse(line), "");
  return found;
}
