// The mapped nodes of a delivery: looked up once per session and set of ROIs, and remembered for the next session.
import type { OpcUaNode } from "../../config/opcua-section.ts";
import type { ManifestPart } from "../../manifest/manifest.ts";
import { whatIsMissing } from "./node-remarks.ts";
import { type BoundNode, bindNodes, SAME_NODE } from "./node-table.ts";
import type { PlantSession } from "./session.ts";
import { mapNodes, type Target } from "./target.ts";

interface NodeTable {
  /** Labels of the ROIs, one per line: another set of ROIs has other nodes. */
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
  /** The nodes of the previous session. */
  #remembered: { readonly namespaces: string; readonly nodes: NodeTable } | undefined;
  #labelled: { readonly outcomeId: number; readonly labels: readonly string[] } | undefined;

  /** @param say is called with what people should know about the mapping. */
  constructor(entries: readonly OpcUaNode[], source: Source, say: (line: string) => void) {
    this.#entries = entries;
    this.#source = source;
    this.#say = say;
  }

  /** undefined before they were looked up. */
  get bound(): BoundNode[] | undefined {
    return this.#nodes?.bound;
  }

  /** Returns the labels of the ROIs that were measured last; none before the first measurement. */
  labels(): readonly string[] {
    const last = this.#source.outcomes.lastId();
    if (this.#labelled?.outcomeId === last) return this.#labelled.labels;
    const [outcome] = last === 0 ? [] : this.#source.outcomes.after(last - 1, 1);
    const labels = outcome?.labels ?? this.#source.analyses.all().at(-1)?.labels ?? [];
    this.#labelled = { outcomeId: last, labels };
    return labels;
  }

  /** Looks up the nodes for ROIs with these labels. Throws errors of the session. */
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
   * Takes over the nodes of the previous session without looking them up; returns false if there are none, or if the server's
   * namespaces have changed. Nodes found by a browse path are left out: after a restart, a server may number its nodes
   * differently, and the id of such a node may now belong to any other.
   */
  recall({ namespaces }: PlantSession): boolean {
    const remembered = this.#remembered;
    if (remembered === undefined || remembered.namespaces !== namespaces.join("\n")) return false;
    const bound = remembered.nodes.bound.filter(({ target }) => "nodeId" in target.address);
    this.#nodes = { ...remembered.nodes, bound, boundAtMs: performance.now() };
    return true;
  }

  /** Forgets the nodes, so that they are looked up again. */
  forget(): void {
    this.#nodes = undefined;
  }

  /** Remembers the nodes at the end of a session, for the next one. */
  leave({ namespaces }: PlantSession): void {
    if (this.#nodes !== undefined) this.#remembered = { namespaces: namespaces.join("\n"), nodes: this.#nodes };
    this.#nodes = undefined;
  }
}
