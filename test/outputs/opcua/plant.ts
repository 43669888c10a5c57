// Starts, asks, stops, kills and revives the plant's server of the tests.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { createServer, isIPv6 } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { bundled } from "../../support/bundled.ts";
import { slowOnly } from "../../support/slow-only.ts";
import { temporaryDirectory } from "../../support/temporary-directory.ts";

interface PlantNode {
  readonly name: string;
  readonly type?: string;
  /** -1 scalar, 1 array. */
  readonly rank?: number;
  /** Flags such as "CurrentRead | CurrentWrite". */
  readonly access?: string;
  readonly userAccess?: string;
  /** Every write is answered with this status. */
  readonly refuseWith?: string;
  /** So many writes are answered with BadWaitingForInitialData; then it takes them. */
  readonly busyWrites?: number;
  /** Takes this long for each write. */
  readonly slowMs?: number;
  /** Takes a value and its status, and refuses both beside a time stamp. */
  readonly refusesTime?: boolean;
  /** An array's fixed length (ArrayDimensions). */
  readonly length?: number;
  /** Its node id in the server's namespace; else `s=` and the name. */
  readonly id?: string;
  /** A type of the server's own, whose ancestors it does not show; the node holds a value of `type`. */
  readonly ownType?: boolean;
}

export interface ServerOptions {
  readonly port: number;
  readonly pki: string;
  readonly nodes?: readonly PlantNode[];
  readonly modes?: readonly ("None" | "Sign" | "SignAndEncrypt")[];
  readonly policies?: readonly ("None" | "Basic256Sha256" | "Aes128_Sha256_RsaOaep" | "Aes256_Sha256_RsaPss")[];
  readonly allowAnonymous?: boolean;
  readonly trustsClients?: boolean;
  readonly maxNodesPerWrite?: number;
  readonly maxNodesPerRead?: number;
  readonly maxSessions?: number;
  readonly hostname?: string;
  /** Address that it listens at; 127.0.0.1 unless given. */
  readonly host?: string;
  /** What the server says of itself in the ACK: the largest request it takes, and of how many pieces (0: any). */
  readonly transport?: { readonly maxMessageSize: number; readonly maxChunkCount: number; readonly bufferSize: number };
  /** Answers TranslateBrowsePathsToNodeIds with BadServiceUnsupported, as small servers do. */
  readonly noBrowsePaths?: boolean;
  /** Keeps its limits and does not say what they are, as servers without ServerCapabilities do. */
  readonly hidesLimits?: boolean;
  /** Wants passwords unencrypted where its endpoint's mode is not SignAndEncrypt. */
  readonly wantsOpenPasswords?: boolean;
  /** Its endpoints take no user names. */
  readonly noUserNames?: boolean;
  /** Shortens what clients ask for: a session's time-out and a channel's life, ms. */
  readonly shortens?: { readonly sessionMs: number; readonly channelMs: number };
  /**
   * Every changed value is appended to this file, with its source time, and a line for each start of the server: what was
   * written outlives it. Read by `journalOf`.
   */
  readonly journal?: string;
  readonly certificateFile?: string;
  readonly privateKeyFile?: string;
}

/** A value that a node was given. */
export interface JournalEntry {
  readonly value: string;
  /** Source time stamp; ISO. */
  readonly time: string;
}

/** What a server's journal says of a node: its values, for each start of the server. */
export function journalOf(file: string, node: string): JournalEntry[][] {
  const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
  const starts: JournalEntry[][] = [];
  for (const line of lines) {
    const [name = "", value = "", time = ""] = line.split(" ");
    if (name === JOURNAL_START) starts.push([]);
    if (name === node) starts.at(-1)?.push({ value, time });
  }
  return starts;
}

/** Packages of the server that have data files, or that it uses only where they are installed. */
const NOT_BUNDLED = ["node-opcua-nodesets", "proper-lockfile"];

export const JOURNAL_START = "--start--";

export type ServerCommand =
  | { readonly do: "values"; readonly names?: readonly string[] }
  | { readonly do: "counts" }
  | { readonly do: "access"; readonly name: string; readonly access: string }
  /** DER in base64. */
  | { readonly do: "trust"; readonly certificate: string }
  /** Of the user from now on. */
  | { readonly do: "password"; readonly is: string }
  | { readonly do: "dropSessions" };

export interface WrittenValue {
  readonly type: string;
  readonly value: unknown;
  readonly status: string;
  readonly time: string | null;
}

export interface Counts {
  readonly writes: number;
  readonly writtenValues: number;
  readonly sessions: number;
  readonly everSessions: number;
  /** Log-ins with a name that came to the server, whatever became of them. */
  readonly passwords: number;
  /** Writes of more nodes than the server takes. */
  readonly oversized: number;
  /** Keys that channels were given, when they were opened and each time these ran out. */
  readonly keys: number;
}

export class Plant {
  readonly options: ServerOptions;
  readonly endpointUrl: string;
  private readonly env: Readonly<Record<string, string>>;
  private child: ChildProcess | undefined;
  private readonly waiting: ((line: string) => void)[] = [];

  /** @param env added to the environment of its process. */
  constructor(options: ServerOptions, env: Readonly<Record<string, string>> = {}) {
    this.options = options;
    this.env = env;
    const { host = "127.0.0.1" } = options;
    this.endpointUrl = `opc.tcp://${isIPv6(host) ? `[${host}]` : host}:${options.port}/plant`;
  }

  /** A server that listens when the promise resolves. */
  static async start(
    options: Omit<ServerOptions, "port" | "pki"> & { pki: string },
    env?: Readonly<Record<string, string>>,
  ): Promise<Plant> {
    const plant = new Plant({ ...options, port: await freePort() }, env);
    await plant.start();
    return plant;
  }

  /** Starts (again) on the same port. */
  async start(): Promise<void> {
    slowOnly("starting a server");
    const script = await bundled(fileURLToPath(new URL("./server.ts", import.meta.url)), NOT_BUNDLED);
    const child = spawn(process.execPath, [script, JSON.stringify(this.options)], {
      env: { ...process.env, ...this.env },
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.child = child;
    const ready = new Promise<string>((resolve, reject) => {
      this.waiting.push(resolve);
      child.once("exit", (code) => reject(new Error(`the plant's server ended with ${code}`)));
    });
    if (child.stdout === null) throw new Error("no pipe");
    createInterface({ input: child.stdout }).on("line", (line) => this.waiting.shift()?.(line));
    const line = await ready;
    if (line !== "ready") throw new Error(`the plant's server said ${line}`);
  }

  async ask<T>(command: ServerCommand): Promise<T> {
    const line = await new Promise<string>((resolve) => {
      this.waiting.push(resolve);
      this.child?.stdin?.write(`${JSON.stringify(command)}\n`);
    });
    return JSON.parse(line) as T;
  }

  values(...names: string[]): Promise<Record<string, WrittenValue>> {
    return this.ask(names.length === 0 ? { do: "values" } : { do: "values", names });
  }

  counts(): Promise<Counts> {
    return this.ask({ do: "counts" });
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.child?.kill(signal);
  }

  /** As a power cut would. */
  async kill(): Promise<void> {
    const child = this.child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** A directory that the caller removes with `gone`. */
export function scratch(): { directory: string; gone(): void } {
  const directory = temporaryDirectory("phorest-opcua-test-");
  return { directory, gone: () => rmSync(directory, { recursive: true, force: true }) };
}
