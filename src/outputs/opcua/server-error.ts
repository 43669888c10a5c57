// Reads the ERR message (Part 6, 7.1.2.5) with which a server says why it ends a connection. After the Hello, the client library
// drops it and only reports a closed connection.
import type { OPCUAClient } from "node-opcua-client";
import { excerpt } from "../../failure/quote.ts";
import type { Library } from "./library.ts";

/** Why a server ended a connection, as it says. */
export interface ServerError {
  /** Name of the status code; its number in hexadecimal if it has no name. */
  readonly status: string;
  /** Printable and short; often empty. */
  readonly reason: string;
}

const CODE_AT = 8;
const LENGTH_AT = 12;
const REASON_AT = 16;

/** The first ERR message on the connections of a client. */
export class ServerErrors {
  #first: ServerError | undefined;
  #reject: (error: Error) => void = () => undefined;
  /** Rejects when the message arrives; some servers leave the connection open after it. Otherwise never settles. */
  readonly ended: Promise<never>;

  constructor(library: Library, client: OPCUAClient) {
    this.ended = new Promise<never>((_, reject) => {
      this.#reject = reject;
    });
    // Nothing may be waiting for it.
    this.ended.catch(() => undefined);
    client.on("secure_channel_created", (channel) => {
      channel.on("receive_chunk", (chunk) => {
        const error = serverErrorIn(library, chunk);
        if (error === undefined) return;
        this.#first ??= error;
        this.#reject(new Error(serverErrorText(error)));
      });
    });
  }

  get first(): ServerError | undefined {
    return this.#first;
  }
}

/** Returns the content of an ERR message; undefined for any other message, and for an ERR that is too short for a status code. */
export function serverErrorIn({ StatusCodes }: Pick<Library, "StatusCodes">, chunk: Buffer): ServerError | undefined {
  if (chunk.length < LENGTH_AT || chunk.toString("latin1", 0, 3) !== "ERR") return undefined;
  const code = chunk.readUInt32LE(CODE_AT);
  const length = chunk.length < REASON_AT ? 0 : Math.max(0, chunk.readInt32LE(LENGTH_AT));
  const known = Object.values(StatusCodes).find(({ value }) => value === code);
  return {
    status: known?.name ?? `0x${code.toString(16).padStart(8, "0")}`,
    reason: excerpt(chunk.toString("utf8", REASON_AT, REASON_AT + length)),
  };
}

/** Returns `the server closed the connection: BadCertificateTimeInvalid "clock skew"`. */
export function serverErrorText({ status, reason }: ServerError): string {
  return `the server closed the connection: ${status}${reason === "" ? "" : ` "${reason}"`}`;
}
