// Expands `[[OPC_UA.nodes]]` to single nodes: patterns are matched with the labels of the ROIs.

import type { BuiltInName } from "../../config/opcua-data-type-name.ts";
import { addressKey } from "../../config/opcua-same-node.ts";
import type { OpcUaNode } from "../../config/opcua-section.ts";
import { isPerRoi, parseValueName, type ValueName } from "../../config/opcua-value-name.ts";
import { labelMatcher } from "../../measurement/labels.ts";

/** One node and the value it gets. */
export interface Target {
  /** The node as the user wrote it, with the ROI's label filled in. */
  readonly shown: string;
  readonly address: { readonly nodeId: string } | { readonly browsePath: string };
  readonly value: string;
  readonly name: ValueName;
  /** Indices in the ROI manifest; empty for values that do not belong to an ROI. */
  readonly rois: readonly number[];
  /** Whether one node gets an array with a value for each of `rois`. */
  readonly isArray: boolean;
  readonly dataType: BuiltInName | undefined;
  readonly scale: number;
  readonly offset: number;
}

export interface Mapping {
  readonly targets: readonly Target[];
  /** Lines for people: patterns without an ROI, nodes that are mapped twice. */
  readonly problems: readonly string[];
}

const ROI = "{roi}";
/** Characters with a meaning in a browse path (part 4, A.2) are escaped with &. */
const RESERVED_IN_PATH = /[/.<>:#!&]/g;

/** Returns the nodes for ROIs with these labels, in the order of the configuration. */
export function mapNodes(nodes: readonly OpcUaNode[], labels: readonly string[]): Mapping {
  const targets: Target[] = [];
  const problems: string[] = [];
  const owners = new Map<string, string>();
  nodes.forEach((node, at) => {
    const name = parseValueName(node.value);
    if (name === undefined) throw new RangeError(`OPC_UA.nodes[${at}].value passed the schema: ${node.value}`);
    const found = targetsOf(node, name, labels);
    if (found.length === 0) {
      problems.push(`OPC_UA.nodes[${at}].roi = "${node.roi}": no ROI has this name${first(labels)}`);
    }
    for (const target of found) {
      const key = addressKey("nodeId" in target.address ? { node_id: target.shown } : { browse_path: target.shown });
      const other = owners.get(key);
      if (other !== undefined) {
        problems.push(`${target.shown} is mapped twice, to ${other} and ${target.value}; only ${other} is written`);
        continue;
      }
      owners.set(key, target.value);
      targets.push(target);
    }
  });
  return { targets, problems };
}

function targetsOf(node: OpcUaNode, name: ValueName, labels: readonly string[]): Target[] {
  const { scale, offset, value, data_type: dataType } = node;
  const text = node.node_id ?? node.browse_path ?? "";
  const target = (shown: string, rois: readonly number[], isArray: boolean): Target => ({
    shown,
    address: node.node_id === undefined ? { browsePath: shown } : { nodeId: shown },
    value,
    name,
    rois,
    isArray,
    dataType,
    scale,
    offset,
  });
  if (!isPerRoi(name)) return [target(text, [], false)];
  const isWanted = labelMatcher([node.roi]);
  const rois = labels.flatMap((label, roi) => (isWanted(label) ? [roi] : []));
  if (!text.includes(ROI)) {
    const isArray = node.roi.includes("*");
    return rois.length === 0 ? [] : [target(text, isArray ? rois : rois.slice(0, 1), isArray)];
  }
  return rois.map((roi) => {
    const label = labels[roi] ?? "";
    const part = node.node_id === undefined ? label.replaceAll(RESERVED_IN_PATH, "&$&") : label;
    return target(text.replaceAll(ROI, part), [roi], false);
  });
}

function first(labels: readonly string[]): string {
  return labels.length === 0 ? "" : `; the first ROIs are ${labels.slice(0, 3).join(", ")}`;
}
