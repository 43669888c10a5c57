// Decides which texts name a host: an IP address in its usual form, or a DNS name. What only looks like an address (127.999.1.1,
// 127.1, 0x7f.1) is neither, because programs interpret it differently.
import { isIP } from "node:net";
import { domainToASCII } from "node:url";

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i;
/** A name whose last part is a number is taken for an address, in one of many notations. */
const NUMBER = /^(\d+|0x[0-9a-f]*)$/i;
const LONGEST_NAME = 253;
const LAST_PORT = 65_535;
const URL_TEXT =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?:[^\s/?#@]*@)?(?:\[(?<v6>[^\]\s]+)\]|(?<plain>[^\s/?#@:[\]]+))(?::(?<port>\d{1,5}))?(?:[/?#]\S*)?$/i;

/** Message of a schema for a text that is not a host. */
export const HOST_RULE = 'must be an IP address, such as "192.168.1.20" or "::1", or the name of a host';

/** Whether a text is a DNS name (without a trailing dot) that no program takes for an address. */
export function isDnsName(name: string): boolean {
  // Names with non-ASCII letters are converted to their ASCII form; other names are checked as they are written.
  const ascii = /^[!-~]*$/.test(name) ? name : domainToASCII(name);
  const labels = ascii.split(".");
  return ascii.length <= LONGEST_NAME && labels.every((one) => LABEL.test(one)) && !NUMBER.test(labels.at(-1) ?? "");
}

/** Whether a text names a host: an IPv4 or IPv6 address without brackets, or a DNS name. */
export const isHost = (text: string): boolean => isIP(text) !== 0 || isDnsName(text.replace(/\.$/, ""));

/** Whether a text is a complete address with one of the schemes ("https"), a host and, optionally, a valid port. */
export function isUrlOf(schemes: readonly string[], text: string): boolean {
  const { scheme, v6, plain, port } = URL_TEXT.exec(text)?.groups ?? {};
  if (scheme === undefined || !schemes.includes(scheme.toLowerCase()) || !URL.canParse(text)) return false;
  const hasPort = port === undefined || (Number(port) >= 1 && Number(port) <= LAST_PORT);
  return hasPort && (plain === undefined ? isIP(v6 ?? "") === 6 : isHost(plain));
}
