// Connects to IPv6 addresses. The client library looks up the address with its brackets, as if it were a name, and finds no such
// host; so the socket is created here and passed to it.
import { connect, isIPv6, type Socket } from "node:net";
import { wholeOf } from "./library.ts";
import { hostAndPort } from "./probe.ts";

type Transport = typeof import("node-opcua-transport");
interface TransportOption {
  readonly transportFactory?: ReturnType<Transport["makeReverseClientTransportFactory"]>;
}

/**
 * Returns the client's option for connections to this endpoint, which may take `timeoutMs`; none unless its host is an IPv6
 * address.
 */
export async function transportTo(endpointUrl: string, timeoutMs: number): Promise<TransportOption> {
  const { host, port } = hostAndPort(endpointUrl);
  if (!isIPv6(host)) return {};
  const { makeReverseClientTransportFactory } = wholeOf(await import("node-opcua-transport"));
  // Intended for servers that connect to clients: it takes a connected socket, and starts with the Hello.
  const transportFactory = makeReverseClientTransportFactory(async () => ({
    socket: await connected(host, port, timeoutMs),
    endpointUrl,
    serverUri: "",
  }));
  return { transportFactory };
}

function connected(host: string, port: number, timeoutMs: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`connect: no connection to ${host} in time`)));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.setTimeout(0);
      socket.off("error", reject);
      resolve(socket);
    });
  });
}
