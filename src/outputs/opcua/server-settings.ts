// The settings of one connection to the plant's server.
import type { OpcUaConfig } from "../../config/opcua-section.ts";

/** The settings that a connection needs. */
export type ServerSettings = Omit<OpcUaConfig, "endpoint_url" | "nodes"> & { readonly endpoint_url: string };
