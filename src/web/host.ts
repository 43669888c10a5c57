// Parses Host headers: an IPv4 address, an IPv6 address in brackets, or a DNS name, with or without a port. Anything else is
// refused, because programs interpret it differently.
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { isDnsName } from "../system/host-name.ts";

export interface Host {
  /** Lower case, without brackets and without the final dot of a full DNS name. */
  readonly name: string;
  readonly port: number | undefined;
}

const HOST = /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<plain>[^:[\]]+))(?::(?<port>\d{0,5}))?$/;
const LAST_PORT = 65_535;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");
LOOPBACK.addSubnet("::ffff:127.0.0.0", 104, "ipv6");

/** Returns the host and port in a Host header; undefined if it is invalid. */
export function parseHost(header: string): Host | undefined {
  const { v6, plain, port = "" } = HOST.exec(header.toLowerCase())?.groups ?? {};
  const name = v6 ?? plain?.replace(/\.$/, "");
  if (name === undefined || (v6 === undefined ? !isName(name, plain) : !isIPv6(v6))) return undefined;
  if (port === "") return { name, port: undefined };
  return Number(port) >= 1 && Number(port) <= LAST_PORT ? { name, port: Number(port) } : undefined;
}

/** `written`: with its final dot, which an address cannot have. */
function isName(name: string, written: string | undefined): boolean {
  return isIPv4(name) ? written === name : isAscii(name) && isDnsName(name);
}

/** Headers contain no other characters. */
const isAscii = (name: string): boolean => /^[!-~]*$/.test(name);

/** Whether a host (without port and brackets) can only be reached from this machine. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (name === "localhost") return true;
  return (isIPv4(name) && LOOPBACK.check(name, "ipv4")) || (isIPv6(name) && LOOPBACK.check(name, "ipv6"));
}
