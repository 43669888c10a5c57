// The mapped nodes of a delivery: looked up once for each session and set of ROIs, remembered from one session to the next.
import type { OpcUaNode } from "../../config/opcua.ts";
import type { ManifestPart } from "../../manifest/manifest.ts";
import { whatIsMissing } from "./node-remarks.ts";
import { type BoundNode, bindNodes, SAME_NODE } from "./node-table.ts";
import type { PlantSession } from "./session.ts";
import { mapNodes, type Target } from "./target.ts";

interface NodeTable {
  /** Of the ROIs, one a line: another set of them has other nodes. */
  readonly labels: string;
  readonly bound: BoundNode[];
  boundAtMs: number;
}

type Source = ManifestPart<{ outcomes: "after" | "lastId"; analyses: "all" }>;

/** How often refused nodes are looked up again: they may have been fixed. */
const LOOK_AGAIN_MS = 60_000;

export class PlantNodes {
  readonly #entries: readonly OpcUaNode[];
  readonly #source: Source;
  readonly #say: (line: string) => void;
  #nodes: NodeTable | undefined;
  /** The nodes of the session before this one. */
  #remembered: { readonly namespaces: string; readonly nodes: NodeTable } | undefined;
  #labelled: { readonly outcomeId: number; readonly labels: readonly string[] } | undefined;

  /** @param say is given what a person should know of the mapping. */
  constructor(entries: readonly OpcUaNode[], source: Source, say: (line: string) => void) {
    this.#entries = entries;
    this.#source = source;
    this.#say = say;
  }

  /** undefined before they were looked up. */
  get bound(): BoundNode[] | undefined {
    return this.#nodes?.bound;
  }

  /** Labels of the ROIs measured last; none before the first measurement. */
  labels(): readonly string[] {
    const last = this.#source.outcomes.lastId();
    if (this.#labelled?.outcomeId === last) return this.#labelled.labels;
    const [outcome] = last === 0 ? [] : this.#source.outcomes.after(last - 1, 1);
    const labels = outcome?.labels ?? this.#source.analyses.all().at(-1)?.labels ?? [];
    this.#labelled = { outcomeId: last, labels };
    return labels;
  }

  /** The nodes for ROIs of these labels. Throws what the session throws. */
  async lookUp(session: PlantSession, labels: readonly string[]): Promise<BoundNode[]> {
    const key = labels.join("\n");
    const now = performance.now();
    if (this.#nodes?.labels !== key) {
      const { targets, problems } = mapNodes(this.#entries, labels);
      // Before anything was measured there are no labels to compare with.
      if (labels.length > 0) for (const problem of problems) this.#say(problem);
      this.#nodes = { labels: key, bound: await bindNodes(session, targets), boundAtMs: now };
      for (const line of whatIsMissing(this.#nodes.bound)) this.#say(line);
    } else if (now - this.#nodes.boundAtMs > LOOK_AGAIN_MS) {
      const { bound } = this.#nodes;
      this.#nodes.boundAtMs = now;
      const refused = [...bound.keys()].filter((at) => {
        const status = bound[at]?.refusal?.status;
        return status !== undefined && status !== SAME_NODE;
      });
      const anew = await bindNodes(
        session,
        refused.map((at) => bound[at]?.target as Target),
      );
      refused.forEach((at, i) => {
        bound[at] = anew[i] as BoundNode;
      });
    }
    return this.#nodes.bound;
  }

  /**
   * The nodes of the session before, without looking them up; false when there are none that are surely the same. Nodes found
   * by a browse path are left out: a server may number its nodes differently after a restart, and a mapped node may now be
   * anything now.
   */
  recall({ namespaces }: PlantSession): boolean {
    const remembered = this.#remembered;
    if (remembered === undefined || remembered.namespaces !== namespaces.join("\n")) return false;
    const bound = remembered.nodes.bound.filter(({ target }) => "nodeId" in target.address);
    this.#nodes = { ...remembered.nodes, bound, boundAtMs: performance.now() };
    return true;
  }

  /** They have to be looked up again. */
  forget(): void {
    this.#nodes = undefined;
  }

  /** The session ends: they are remembered for the next one. */
  leave({ namespaces }: PlantSession): void {
    if (this.#nodes !== undefined) this.#remembered = { namespaces: namespaces.join("\n"), nodes: this.#nodes };
    this.#nodes = undefined;
  }
}
