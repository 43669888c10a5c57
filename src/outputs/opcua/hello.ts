// Finds out why a server is silent, from its reaction to the first message of a connection (Part 6, 7.1.2.3). A server without
// free connections (secure channels) often ends a new one without an answer, which looks like a refusal of our security. But when
// the Hello is answered, security has not been negotiated yet.
import { connect } from "node:net";
import { Failure } from "../../failure/failure.ts";
import { hostAndPort } from "./probe.ts";
import { CHANNELS_CURE } from "./remedies.ts";

const BUFFER_BYTES = 65_536;
const NO_LIMIT = 0;
const PROTOCOL_VERSION = 0;

/**
 * Returns the failure to report if the server ends a connection before it has said anything, or answers in another protocol;
 * undefined if it answers, even with an error, or says nothing for `timeoutMs`. Never rejects.
 */
export async function whySilent(endpointUrl: string, timeoutMs: number): Promise<Failure | undefined> {
  const answer = await answerToHello(endpointUrl, timeoutMs);
  const refused = (what: string, hint: string) =>
    new Failure("opcua.refused", `${endpointUrl}: ${what}`, { hint, retry: "later" });
  if (answer === "end") {
    return refused(
      "the server closed the connection without an answer",
      `${CHANNELS_CURE}; or it is not an OPC UA server`,
    );
  }
  if (answer === "foreign")
    return refused("the program at this address is not an OPC UA server", "check the address and the port");
  return undefined;
}

/** A program that waits for the end of a line, such as a web server, answers to this; OPC UA servers do not need it. */
const END_OF_LINES = "\r\n\r\n";
/** It is sent after this fraction of the time limit. */
const BEFORE_END_OF_LINES = 1 / 10;

/** The message types that answer a Hello. */
const ANSWERS = ["ACK", "ERR"];

/** `end`: the connection ended first; `foreign`: the bytes are not an answer to a Hello. */
function answerToHello(endpointUrl: string, timeoutMs: number): Promise<"answer" | "end" | "foreign" | "silence"> {
  return new Promise((resolve) => {
    const socket = connect(hostAndPort(endpointUrl));
    const end = (answer: Awaited<ReturnType<typeof answerToHello>>) => {
      clearTimeout(later);
      socket.destroy();
      resolve(answer);
    };
    let connected = false;
    const later = setTimeout(() => connected && socket.write(END_OF_LINES), timeoutMs * BEFORE_END_OF_LINES);
    socket.setTimeout(timeoutMs, () => end("silence"));
    socket.once("connect", () => {
      connected = true;
      socket.write(helloMessage(endpointUrl));
    });
    socket.once("data", (bytes) => {
      const type = bytes.toString("latin1", 0, 3);
      end(ANSWERS.some((known) => known.startsWith(type)) ? "answer" : "foreign");
    });
    socket.once("end", () => end("end"));
    // A reset counts as an end; a connection that was never opened is reported elsewhere.
    socket.once("error", () => end(connected ? "end" : "silence"));
  });
}

function helloMessage(endpointUrl: string): Buffer {
  const url = Buffer.from(endpointUrl);
  const numbers = [PROTOCOL_VERSION, BUFFER_BYTES, BUFFER_BYTES, NO_LIMIT, NO_LIMIT, url.length];
  const message = Buffer.alloc(8 + 4 * numbers.length);
  message.write("HELF", "latin1");
  message.writeUInt32LE(message.length + url.length, 4);
  numbers.forEach((number, at) => {
    message.writeUInt32LE(number, 8 + 4 * at);
  });
  return Buffer.concat([message, url]);
}
