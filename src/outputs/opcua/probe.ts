// Checks whether a server is available: a plain TCP connection, cheap enough for twice a second over a whole weekend.
import { connect, type Socket } from "node:net";
import { Failure } from "../../failure/failure.ts";

const DEFAULT_PORT = 4840;
/**
 * A host that is down does not answer, and the system retries after 1, 3, 7 seconds, so one that came back in between would not
 * be noticed. So another connection is started this often while earlier ones are still waiting.
 */
const ASK_AGAIN_MS = 1000;

/** Returns the endpoint's host (an IPv6 address without brackets) and port. */
export function hostAndPort(endpointUrl: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(endpointUrl);
  return { host: hostname.replaceAll(/^\[|\]$/g, ""), port: port === "" ? DEFAULT_PORT : Number(port) };
}

/** Resolves when the endpoint's port accepts connections. Throws Failure `opcua.unreachable`, retry later. */
export async function probe(endpointUrl: string, timeoutMs: number): Promise<void> {
  const { host, port } = hostAndPort(endpointUrl);
  const sockets: Socket[] = [];
  const timers: NodeJS.Timeout[] = [];
  try {
    await new Promise<void>((resolve, reject) => {
      const refuse = (why: string, hint: string) =>
        reject(new Failure("opcua.unreachable", `${endpointUrl}: ${why}`, { hint, retry: "later" }));
      const ask = () => {
        const socket = connect({ host, port });
        sockets.push(socket);
        socket.once("connect", resolve);
        socket.on("error", (error) => {
          const decisive = decisiveOf(error);
          refuse(reasonOf(decisive), hintOf(decisive));
        });
      };
      const late = () => refuse("could not connect in time", "check the network, the firewall and the address");
      timers.push(setInterval(ask, ASK_AGAIN_MS), setTimeout(late, timeoutMs));
      ask();
    });
  } finally {
    for (const timer of timers) clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
  }
}

/**
 * Returns the most informative error. A name may have several addresses, such as ::1 and 127.0.0.1. Node tries them all and then
 * gives all errors, with an empty message and the code of the first. A machine that refuses was reached, so its error says more
 * than that of one that was not.
 */
function decisiveOf(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  const each: NodeJS.ErrnoException[] = error instanceof AggregateError ? error.errors : [];
  return each.find(({ code }) => code === "ECONNREFUSED") ?? each[0] ?? error;
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ECONNREFUSED") return "no program listens there";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "unknown host name";
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return "the host cannot be reached";
  return message;
}

function hintOf({ code }: NodeJS.ErrnoException): string {
  return code === "ECONNREFUSED"
    ? "check that the server is running on this port"
    : "check the address and the network";
}
