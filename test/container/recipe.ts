// A Dockerfile as a list of stages and instructions: as much of the language as ours uses, and an error for anything else,
// so that no step can be passed over in silence.

interface Instruction {
  readonly word: string;
  /** All after the word, continued lines joined. */
  readonly text: string;
}

export interface Stage {
  /** As after FROM. */
  readonly image: string;
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

const KNOWN = new Set([
  "ARG",
  "CMD",
  "COPY",
  "ENTRYPOINT",
  "ENV",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "RUN",
  "USER",
  "WORKDIR",
]);

/** The stages of a Dockerfile, in order. */
export function stagesOf(dockerfile: string): Stage[] {
  const stages: { image: string; name: string; instructions: Instruction[] }[] = [];
  const lines = dockerfile
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .join("\n")
    .replaceAll("\\\n", " ")
    .split("\n");
  for (const line of lines.filter((text) => text.trim() !== "")) {
    const [, word = "", text = ""] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? [];
    if (word === "FROM") {
      const [, image = "", name = ""] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(text) ?? [];
      stages.push({ image, name: name === "" ? `${stages.length}` : name, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage === undefined || !KNOWN.has(word)) throw new Error(`not understood: ${line}`);
    stage.instructions.push({ word, text });
  }
  return stages;
}

/** The words of an instruction in exec form. */
export function execForm(text: string): string[] {
  const words: unknown = JSON.parse(text);
  if (!Array.isArray(words)) throw new Error(`not in exec form: ${text}`);
  return words.map(String);
}
