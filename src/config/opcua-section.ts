// [OPC_UA]: the server, the connection, and which node gets which value.
import * as z from "zod";
import { isUrlOf } from "../system/host-name.ts";
import { BESIDE_FILE, choice, field, optionalText, path, positive, SECONDS, section, whole } from "./field.ts";
import { BUILT_IN_NAMES } from "./opcua-data-type-name.ts";
import { nodesMappedTwice } from "./opcua-same-node.ts";
import { parseValueName, VALUE_NAMES_TEXT } from "./opcua-value-name.ts";

const SECURITY_MODES = ["None", "Sign", "SignAndEncrypt"] as const;
const SECURITY_POLICIES = ["Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"] as const;
const BACKLOGS = ["all", "latest"] as const;

const isEndpoint = (url: string): boolean => isUrlOf(["opc.tcp"], url);
const seconds = (low: number, of: number) => z.number().min(low).max(86_400).default(of);

const NODE = z
  .strictObject({
    node_id: field(optionalText(), "Node id; {roi} stands for the label of the ROI. nsu=URI; works as well as ns=N;", {
      none: "browse_path",
    }),
    browse_path: field(optionalText(), "Instead of node_id: the path from Root, as in /Objects/2:Chip/2:{roi}", {
      none: "node_id",
    }),
    roi: field(
      z.string().min(1).default("*"),
      "Label of the ROI, * for any characters; several ROIs in a node without {roi} make an array",
    ),
    value: field(
      z
        .string()
        .refine((text) => parseValueName(text) !== undefined, `unknown value; the values are ${VALUE_NAMES_TEXT}`),
      "The value to write",
    ),
    data_type: field(choice(BUILT_IN_NAMES).optional(), "Type for a node that accepts several (Number, BaseDataType)", {
      none: "the type of the node",
    }),
    scale: field(
      z
        .number()
        .refine((factor) => factor !== 0, "must not be 0, because every value would be 0")
        .default(1),
      "Factor for numbers",
    ),
    offset: field(z.number().default(0), "Added to numbers after scaling"),
  })
  .refine(({ node_id, browse_path }) => (node_id === undefined) !== (browse_path === undefined), {
    message: "needs either node_id or browse_path",
  });

const NODES = z.array(NODE).superRefine((nodes, context) => {
  for (const { at, key, text } of nodesMappedTwice(nodes)) {
    context.addIssue({ code: "custom", path: [at, key], message: text });
  }
});

export const OPC_UA = section("The OPC UA server of the plant (Communication.method OPC_UA)", {
  endpoint_url: field(
    optionalText()
      .refine(
        (url) => url === undefined || isEndpoint(url),
        "must look like opc.tcp://host:4840, with an IP address or the name of a host",
      )
      // The address is shown and logged everywhere.
      .refine(
        (url) => url === undefined || !/^[^/]*\/\/[^/?#]*@/.test(url),
        "must not contain a user name or password; use user_name and password_file",
      ),
    "Address of the server",
    { none: "required by method OPC_UA", example: "opc.tcp://plc.example:4840" },
  ),
  security_mode: field(choice(SECURITY_MODES).default("SignAndEncrypt"), "Whether messages are signed and encrypted"),
  security_policy: field(
    choice(SECURITY_POLICIES).default("Basic256Sha256"),
    "Security policy, unless security_mode is None",
  ),
  user_name: field(optionalText(), "User name to log in with; the password is never in this file", {
    none: "anonymous, or user_certificate_file",
    example: "phorest",
  }),
  password_env: field(
    z.string().min(1).default("PHOREST_OPCUA_PASSWORD"),
    "Environment variable with the password of user_name",
  ),
  password_file: field(optionalText(), "File with the password, readable by its owner only (chmod 600)", {
    ...BESIDE_FILE,
    none: "password_env",
    example: "opcua-password",
  }),
  password_in_clear: field(
    z.boolean().default(false),
    "Whether the password may be sent unencrypted if the server wants that (not with SignAndEncrypt)",
  ),
  user_certificate_file: field(
    optionalText(),
    "X.509 certificate (PEM or DER) to log in with, instead of a user name",
    {
      ...BESIDE_FILE,
      none: "no certificate",
      example: "opcua-user.pem",
    },
  ),
  user_key_file: field(optionalText(), "Private key (PEM) of user_certificate_file, readable by its owner only", {
    ...BESIDE_FILE,
    none: "no certificate",
    example: "opcua-user-key.pem",
  }),
  unsafe_short_keys: field(
    z.boolean().default(false),
    "Unsafe: allow certificate keys of fewer than 2048 bits; such keys can be broken",
  ),
  certificate_dir: field(
    path().default("opcua"),
    "Directory of phorest's certificate and key, made on first use, and of the server's certificate once it is trusted",
    { relativeTo: "root" },
  ),
  connect_timeout_seconds: field(seconds(1, 10), "Time limit for connecting", SECONDS),
  request_timeout_seconds: field(seconds(5, 10), "Time limit for a response of the server", SECONDS),
  session_timeout_seconds: field(
    seconds(10, 60),
    "Time after which the server may drop a client that has disappeared",
    SECONDS,
  ),
  channel_lifetime_seconds: field(
    seconds(2, 3600),
    "Time after which the keys of the secure channel are renewed",
    SECONDS,
  ),
  backlog: field(
    choice(BACKLOGS).default("all"),
    "What to send after an outage: the latest frame, then all others in order; or the latest frame only",
  ),
  max_frames_per_second: field(positive().default(20), "Highest rate at which a backlog is sent"),
  max_nodes_per_write: field(
    whole(1, 100_000).default(10_000),
    "Largest number of nodes in one request, unless the server names a smaller limit",
  ),
  heartbeat_seconds: field(positive().default(5), "Time between two writes of heartbeat and alarm", SECONDS),
  nodes: field(NODES.readonly().default([]), "Nodes to write: one table for each node, or for each pattern", {
    none: "needed by method OPC_UA",
    allowed: "[[OPC_UA.nodes]] tables with node_id or browse_path, and value",
    example: [{ node_id: "ns=2;s=Chip.{roi}.Position", roi: "052A_*", value: "position" }],
  }),
});

export type OpcUaConfig = Readonly<z.output<typeof OPC_UA>>;
export type OpcUaNode = OpcUaConfig["nodes"][number];
