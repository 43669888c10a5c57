// A real OPC UA server in a process of its own, for tests and benches: server.ts '<JSON of ServerOptions>', started by plant.ts.
// Says "ready" on its first line of standard output, then answers commands on standard input, one JSON line each.
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { OPCUACertificateManager } from "node-opcua-certificate-manager";
import {
  ActivateSessionRequest,
  CreateSessionRequest,
  DataType,
  type DataValue,
  MessageSecurityMode,
  makeAccessLevelFlag,
  resolveNodeId,
  SecurityPolicy,
  ServiceFault,
  type StatusCode,
  StatusCodes,
  UserNameIdentityToken,
  UserTokenPolicy,
  UserTokenType,
  Variant,
  WriteRequest,
} from "node-opcua-client";
import { OPCUAServer } from "node-opcua-server";
import { JOURNAL_START, type ServerCommand, type ServerOptions, type WrittenValue } from "./plant.ts";

const options: ServerOptions = JSON.parse(process.argv[2] ?? "{}");
// Standard output is for answers alone.
console.log = console.info = console.warn = console.error = () => undefined;

let rightPassword = "sesame";
const serverCertificateManager = new OPCUACertificateManager({
  rootFolder: options.pki,
  automaticallyAcceptUnknownCertificate: options.trustsClients ?? true,
  disableFileWatchers: true,
});
const userCertificateManager = new OPCUACertificateManager({
  rootFolder: options.pki,
  automaticallyAcceptUnknownCertificate: true,
  disableFileWatchers: true,
});
await serverCertificateManager.initialize();
await userCertificateManager.initialize();

const server = new OPCUAServer({
  host: options.host ?? "127.0.0.1",
  port: options.port,
  hostname: options.hostname,
  resourcePath: "/plant",
  buildInfo: { productName: "phorest test plant" },
  serverCertificateManager,
  userCertificateManager,
  certificateFile: options.certificateFile,
  privateKeyFile: options.privateKeyFile,
  securityModes: (options.modes ?? ["None", "Sign", "SignAndEncrypt"]).map((mode) => MessageSecurityMode[mode]),
  securityPolicies: (
    options.policies ?? ["None", "Basic256Sha256", "Aes128_Sha256_RsaOaep", "Aes256_Sha256_RsaPss"]
  ).map((policy) => SecurityPolicy[policy]),
  allowAnonymous: options.allowAnonymous ?? true,
  maxConnectionsPerEndpoint: 50,
  defaultSecureTokenLifetime: options.shortens?.channelMs,
  transportSettings: options.transport && {
    adjustTransportLimits: () => ({
      maxMessageSize: options.transport?.maxMessageSize,
      maxChunkCount: options.transport?.maxChunkCount,
      receiveBufferSize: options.transport?.bufferSize,
      sendBufferSize: options.transport?.bufferSize,
    }),
  },
  serverCapabilities: {
    maxSessions: options.maxSessions ?? 50,
    operationLimits: {
      maxNodesPerWrite: options.maxNodesPerWrite ?? 0,
      maxNodesPerRead: options.maxNodesPerRead ?? 0,
      maxNodesPerTranslateBrowsePathsToNodeIds: options.maxNodesPerRead ?? 0,
    },
  },
  userManager: {
    isValidUser: (name: string, password: string) => name === "plant" && password === rightPassword,
  },
  disableMdns: true,
} as ConstructorParameters<typeof OPCUAServer>[0]);

await server.initialize();
const addressSpace = server.engine.addressSpace;
if (addressSpace === null) throw new Error("the server has no address space");
const space = addressSpace.registerNamespace("urn:phorest:test");
type UAVariable = ReturnType<typeof space.addVariable>;
const folder = space.addObject({ organizedBy: addressSpace.rootFolder.objects, browseName: "Chip" });

/** A variable whose every write is answered with this status. */
const refusing = (status: string) => ({
  get: () => new Variant({ dataType: DataType.Double, value: 0 }),
  set: () => StatusCodes[status as keyof typeof StatusCodes],
});

const held = (type = "Double") => ({ dataType: DataType[type as keyof typeof DataType], value: 0 });

/** A type below `type` that denies having anything above it. */
function ownType(name: string, type: string) {
  const made = space.createDataType({ browseName: `${name}Type`, isAbstract: false, subtypeOf: type });
  made.browseNode = () => [];
  return made.nodeId;
}

let writes = 0;
let writtenValues = 0;
const variables = new Map<string, UAVariable>();
for (const node of options.nodes ?? []) {
  const flags = makeAccessLevelFlag(node.access ?? "CurrentRead | CurrentWrite | StatusWrite | TimestampWrite");
  const variable = space.addVariable({
    componentOf: folder,
    browseName: node.name,
    nodeId: node.id ?? `s=${node.name}`,
    dataType: node.ownType === true ? ownType(node.name, node.type ?? "Double") : (node.type ?? "Double"),
    valueRank: node.rank ?? -1,
    arrayDimensions: node.rank === 1 ? [node.length ?? 0] : undefined,
    accessLevel: flags,
    userAccessLevel: node.userAccess === undefined ? undefined : makeAccessLevelFlag(node.userAccess),
    minimumSamplingInterval: 1000,
    value: node.refuseWith === undefined ? node.ownType && held(node.type) : refusing(node.refuseWith),
  } as Parameters<typeof space.addVariable>[0]);
  if (node.refusesTime === true) {
    const write = variable.writeValue.bind(variable) as (...all: unknown[]) => unknown;
    variable.writeValue = ((
      context: unknown,
      data: DataValue,
      ...rest: ((error: null, status: StatusCode) => void)[]
    ) =>
      data.sourceTimestamp === null
        ? write(context, data, ...rest)
        : rest.at(-1)?.(null, StatusCodes.BadWriteNotSupported)) as typeof variable.writeValue;
  }
  if (node.slowMs !== undefined) {
    const write = variable.writeValue.bind(variable) as (...all: unknown[]) => unknown;
    variable.writeValue = ((...all: unknown[]) =>
      setTimeout(() => write(...all), node.slowMs)) as unknown as typeof variable.writeValue;
  }
  if (node.busyWrites !== undefined) {
    const write = variable.writeValue.bind(variable) as (...all: unknown[]) => unknown;
    let left = node.busyWrites;
    variable.writeValue = ((...all: ((error: null, status: StatusCode) => void)[]) => {
      left -= 1;
      return left < 0 ? write(...all) : all.at(-1)?.(null, StatusCodes.BadWaitingForInitialData);
    }) as unknown as typeof variable.writeValue;
  }
  variable.on("value_changed", () => {
    writtenValues += 1;
    const { value, sourceTimestamp } = variable.readValue();
    if (options.journal === undefined) return;
    appendFileSync(options.journal, `${node.name} ${value.value} ${sourceTimestamp?.toISOString()}\n`);
  });
  variables.set(node.name, variable);
}
if (options.noBrowsePaths === true) {
  const refuse = (message: never, channel: { send_response(type: string, fault: ServiceFault, to: never): void }) =>
    channel.send_response(
      "MSG",
      new ServiceFault({ responseHeader: { serviceResult: StatusCodes.BadServiceUnsupported } }),
      message,
    );
  Object.assign(server, { _on_TranslateBrowsePathsToNodeIdsRequest: refuse });
}
/** The nodes below ServerCapabilities.OperationLimits. */
const LIMITS = ["i=11705", "i=11707", "i=11710", "i=11712"];
if (options.hidesLimits === true) for (const limit of LIMITS) addressSpace.deleteNode(resolveNodeId(limit));
if (options.wantsOpenPasswords === true) {
  const open = { policyId: "open", tokenType: UserTokenType.UserName, securityPolicyUri: SecurityPolicy.None };
  for (const endpoint of server.endpoints.flatMap((one) => one.endpointDescriptions())) {
    if (endpoint.securityMode === MessageSecurityMode.SignAndEncrypt) continue;
    const others = endpoint.userIdentityTokens?.filter(({ tokenType }) => tokenType !== UserTokenType.UserName) ?? [];
    endpoint.userIdentityTokens = [...others, new UserTokenPolicy(open)];
  }
}
if (options.noUserNames === true) {
  for (const endpoint of server.endpoints.flatMap((one) => one.endpointDescriptions())) {
    const tokens = endpoint.userIdentityTokens ?? [];
    endpoint.userIdentityTokens = tokens.filter(({ tokenType }) => tokenType !== UserTokenType.UserName);
  }
}
let passwords = 0;
let oversized = 0;
server.on("request", (request) => {
  if (request instanceof WriteRequest) {
    writes += 1;
    if ((request.nodesToWrite?.length ?? 0) > (options.maxNodesPerWrite ?? Number.POSITIVE_INFINITY)) oversized += 1;
  }
  if (request instanceof ActivateSessionRequest && request.userIdentityToken instanceof UserNameIdentityToken) {
    passwords += 1;
  }
  if (request instanceof CreateSessionRequest && options.shortens !== undefined) {
    request.requestedSessionTimeout = options.shortens.sessionMs;
  }
});

function plain(value: unknown): unknown {
  if (typeof value === "number" && Number.isNaN(value)) return "NaN";
  if (ArrayBuffer.isView(value)) return Array.from(value as unknown as ArrayLike<number>, plain);
  return Array.isArray(value) ? value.map(plain) : value;
}

function writtenTo(name: string): WrittenValue {
  const data = variables.get(name)?.readValue();
  return {
    type: DataType[data?.value.dataType ?? 0] ?? "Null",
    value: plain(data?.value.value) ?? null,
    status: data?.statusCode.name ?? "none",
    time: data?.sourceTimestamp?.toISOString() ?? null,
  };
}

async function answer(command: ServerCommand): Promise<unknown> {
  switch (command.do) {
    case "values":
      return Object.fromEntries((command.names ?? [...variables.keys()]).map((name) => [name, writtenTo(name)]));
    case "counts":
      return {
        writes,
        writtenValues,
        sessions: server.engine.currentSessionCount,
        everSessions: server.engine.cumulatedSessionCount,
        passwords,
        oversized,
        keys: server.endpoints.reduce((sum, endpoint) => sum + endpoint.securityTokenCount, 0),
        channels: server.engine.serverDiagnosticsSummary.cumulatedSessionCount,
      };
    case "access": {
      const variable = variables.get(command.name);
      if (variable !== undefined) {
        variable.accessLevel = makeAccessLevelFlag(command.access);
        variable.userAccessLevel = undefined;
      }
      return true;
    }
    case "trust":
      await serverCertificateManager.trustCertificate(Buffer.from(command.certificate, "base64"));
      return true;
    case "password":
      rightPassword = command.is;
      return true;
    case "dropSessions":
      for (const session of Object.values(
        (server.engine as unknown as { _sessions: Record<string, { authenticationToken: never }> })._sessions,
      )) {
        server.engine.closeSession(session.authenticationToken, true, "Timeout");
      }
      return true;
  }
}

await server.start();
if (options.journal !== undefined) appendFileSync(options.journal, `${JOURNAL_START}\n`);
process.stdout.write("ready\n");
createInterface({ input: process.stdin }).on("line", async (line) => {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
});
// Orphaned by a test that was killed: nobody would end it.
process.stdin.on("end", () => process.exit(0));
