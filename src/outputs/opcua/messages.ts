// Settings, jobs and answers of the OPC UA output's thread. Plain data only.
import type { Delivered, DeliverySettings } from "./delivery.ts";

/** Settings and jobs of the OPC UA output's thread. */
export interface OpcUaThreadSettings extends DeliverySettings {
  readonly manifestFile: string;
}

/** `cursor`: the last outcome that the server has for certain. */
export type OpcUaJob = { readonly type: "deliver"; readonly cursor: number; readonly alarm: string };

export type OpcUaAnswer = Delivered;
