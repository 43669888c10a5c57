// Is anybody there? A bare TCP connection, before anything heavier: it may be asked twice a second for a whole weekend.
import { connect } from "node:net";
import { Failure } from "../failure.ts";

const DEFAULT_PORT = 4840;

/** Resolves when the endpoint's port takes connections. Throws Failure `opcua.unreachable`, retry later. */
export function probe(endpointUrl: string, timeoutMs: number): Promise<void> {
  const { hostname, port } = new URL(endpointUrl);
  const host = hostname.replaceAll(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: port === "" ? DEFAULT_PORT : Number(port) });
    const refuse = (why: string, hint: string) => {
      socket.destroy();
      reject(new Failure("opcua.unreachable", `${endpointUrl}: ${why}`, { hint, retry: "later" }));
    };
    socket.setTimeout(timeoutMs, () => refuse("no connection in time", "check the network, the firewall, the address"));
    socket.once("error", (error: NodeJS.ErrnoException) => refuse(reasonOf(error), hintOf(error)));
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
  });
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  if (code === "ECONNREFUSED") return "nothing listens there";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "there is no host of that name";
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return "there is no way to that host";
  return message;
}

function hintOf({ code }: NodeJS.ErrnoException): string {
  return code === "ECONNREFUSED" ? "is the server running, and on that port?" : "check the address and the network";
}
