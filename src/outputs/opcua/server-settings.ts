// The settings of one connection with the plant's server.
import type { OpcUaConfig } from "../../config/opcua.ts";

/** What a connection needs of the settings. */
export type ServerSettings = Omit<OpcUaConfig, "endpoint_url" | "nodes"> & { readonly endpoint_url: string };
