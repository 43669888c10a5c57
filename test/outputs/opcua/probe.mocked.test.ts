// Whether anybody is there, asked of a network that may say nothing at all. The sockets are ours here: silence cannot be had
// on the loopback address.
import { EventEmitter } from "node:events";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { probe } from "../../../src/outputs/opcua/probe.ts";

class Silent extends EventEmitter {
  ended = false;
  destroy(): void {
    this.ended = true;
  }
}

let sockets: Silent[];

vi.mock("node:net", () => ({ connect: vi.fn() }));

beforeEach(() => {
  sockets = [];
  vi.useFakeTimers();
  vi.mocked(connect).mockImplementation(((): Silent => {
    const socket = new Silent();
    sockets.push(socket);
    return socket;
  }) as unknown as typeof connect);
});

afterEach(() => {
  vi.useRealTimers();
});

const refusal = (code: string) => Object.assign(new Error(code), { code });

test("a host that comes back is met by a connection begun after it did, not by the system's next repeat of an old one", async () => {
  const there = probe("opc.tcp://plc.example:4841", 10_000);
  await vi.advanceTimersByTimeAsync(3500);
  expect(sockets).toHaveLength(4);
  expect(connect).toHaveBeenLastCalledWith({ host: "plc.example", port: 4841 });
  sockets.at(-1)?.emit("connect");
  await there;
  expect(sockets.every(({ ended }) => ended)).toBe(true);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(sockets).toHaveLength(4);
});

test("a connection that took long and came is as good as a new one", async () => {
  const there = probe("opc.tcp://[::1]", 10_000);
  await vi.advanceTimersByTimeAsync(2500);
  sockets[0]?.emit("connect");
  await there;
  expect(connect).toHaveBeenLastCalledWith({ host: "::1", port: 4840 });
});

test("silence ends with the time limit, a refusal at once; neither leaves a connection behind", async () => {
  const silent = expect(probe("opc.tcp://plc.example", 2500)).rejects.toMatchObject({
    code: "opcua.unreachable",
    message: expect.stringMatching(/could not connect in time/),
  });
  await vi.advanceTimersByTimeAsync(2500);
  await silent;
  const refused = expect(probe("opc.tcp://plc.example", 2500)).rejects.toMatchObject({
    message: expect.stringMatching(/no program listens there/),
  });
  sockets.at(-1)?.emit("error", refusal("ECONNREFUSED"));
  await refused;
  expect(sockets.every(({ ended }) => ended)).toBe(true);
  // What is heard of a connection that nobody waits for any more does no harm.
  for (const socket of sockets) socket.emit("error", refusal("ETIMEDOUT"));
});

test.each([
  [["EADDRNOTAVAIL", "ECONNREFUSED"], /: no program listens there$/, /check that the server is running/],
  [["ECONNREFUSED", "ENETUNREACH"], /: no program listens there$/, /check that the server is running/],
  [["ENETUNREACH", "EHOSTUNREACH"], /: the host cannot be reached$/, /network/],
])(
  "a name of several addresses, refused by %j, has the reason that says most, and never an empty one",
  async (codes, message, hint) => {
    const refused = expect(probe("opc.tcp://plc.example", 2500)).rejects.toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
    // As Node gives the errors of all addresses: no message, and the code of the first.
    sockets.at(-1)?.emit("error", Object.assign(new AggregateError(codes.map(refusal)), { code: codes[0] }));
    await refused;
  },
);
