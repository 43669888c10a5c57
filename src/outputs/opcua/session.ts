// One session with the plant's server, from connecting to disconnecting. It is used until there is any problem with it and then
// discarded. The client library's own reconnection is disabled, because it would repeat writes whose result is unknown.
import type {
  BrowseDescriptionLike,
  BrowsePath,
  BrowseResult,
  ClientSession,
  DataValue,
  OPCUAClient,
  ReadValueIdOptions,
  StatusCode,
  WriteRequest,
  WriteValue,
} from "node-opcua-client";
import { Failure } from "../../failure/failure.ts";
import { withDeadline } from "../../system/deadline.ts";
import { ownCertificate } from "./certificates.ts";
import { abandon, createClient, noAnswer } from "./client.ts";
import { explainFailure, statusNameIn, whyRefused } from "./failures.ts";
import { identityInfo, readIdentity } from "./identity.ts";
import type { Library } from "./library.ts";
import { checkNotRefused, forgetRefused, type LogInWatch, noteRefused, refusesSecret, watchLogIns } from "./login.ts";
import { probe } from "./probe.ts";
import { connectionRemedyFor } from "./remedies.ts";
import { inPieces, type Limit } from "./requests.ts";
import { ServerErrors, serverErrorText } from "./server-error.ts";
import type { ServerSettings } from "./server-settings.ts";
import { requireUsable } from "./usable.ts";

/** Items per request if the server states no limit; a Read of this size is about 100 kB. */
const READ_AT_ONCE = 1000;
/** Where servers state how much they accept at once (part 5, OperationLimits). */
const LIMIT_NODES = { read: "i=11705", write: "i=11707", browse: "i=11710", translate: "i=11712" } as const;
const NAMESPACE_ARRAY = "i=2255";
const VALUE_ATTRIBUTE = 13;

/** A member that every session of the library has but its interface does not declare. */
interface Transactor {
  performMessageTransaction(request: WriteRequest, callback: (error: Error | null, response?: unknown) => void): void;
}

export interface OperationLimits {
  readonly read: Limit;
  readonly write: Limit;
  readonly browse: Limit;
  readonly translate: Limit;
}

/** How a session is opened. */
export interface Opening {
  /** The limits of the previous session; those that were found by trial are kept. */
  readonly learnt?: OperationLimits | undefined;
  /** The user asked for it: a secret that was refused before is tried again. */
  readonly asked?: boolean;
}

export class PlantSession {
  readonly library: Library;
  readonly endpointUrl: string;
  /** As stated by the server, 0 for none; `limits` is what is used. */
  readonly stated: Readonly<Record<keyof OperationLimits, number>>;
  readonly limits: OperationLimits;
  /** URIs of the server's namespaces, by index. */
  readonly namespaces: readonly string[];
  readonly #client: OPCUAClient;
  readonly #session: ClientSession;
  readonly #timeoutMs: number;
  readonly #errors: ServerErrors;
  #broken: string | undefined;

  private constructor(
    library: Library,
    settings: ServerSettings,
    client: OPCUAClient,
    session: ClientSession,
    about: {
      stated: Record<keyof OperationLimits, number>;
      namespaces: readonly string[];
      learnt: OperationLimits | undefined;
      errors: ServerErrors;
      logIns: LogInWatch;
    },
  ) {
    this.library = library;
    this.endpointUrl = settings.endpoint_url;
    this.#client = client;
    this.#session = session;
    this.#timeoutMs = settings.request_timeout_seconds * 1000;
    this.#errors = about.errors;
    this.stated = about.stated;
    this.namespaces = about.namespaces;
    const within = (kind: keyof OperationLimits, most: number): Limit => {
      const stated = about.stated[kind];
      const max = stated > 0 ? Math.min(stated, most) : most;
      const told = about.learnt?.[kind].told;
      return told === undefined ? { max } : { max: Math.min(max, told), told };
    };
    this.limits = {
      read: within("read", READ_AT_ONCE),
      write: within("write", settings.max_nodes_per_write),
      browse: within("browse", READ_AT_ONCE),
      translate: within("translate", READ_AT_ONCE),
    };
    const lost = (how: string) => () => {
      this.#broken ??= how;
    };
    client.on("connection_lost", lost("the connection was lost"));
    client.on("start_reconnection", lost("the connection was lost"));
    client.on("close", lost("the connection was closed"));
    session.on("session_closed", lost("the server ended the session"));
    about.logIns.again = lost("the server ended the session");
    session.on("keepalive_failure", lost("the server no longer responds for the session"));
  }

  /**
   * Connects and logs in. Failures: `opcua.unreachable`, `opcua.timeout`, `opcua.untrusted` (a certificate, either side's),
   * `opcua.refused` (policy, too many sessions), `opcua.login` (the server refused the secret, now or before), `config.invalid`
   * (no password).
   */
  static async open(
    library: Library,
    settings: ServerSettings,
    { learnt, asked }: Opening = {},
  ): Promise<PlantSession> {
    const identity = readIdentity(settings);
    if (asked !== true) checkNotRefused(settings, identity);
    const own = await ownCertificate(settings.certificate_dir);
    const connectMs = settings.connect_timeout_seconds * 1000;
    const deadlineMs = performance.now() + connectMs;
    // First, because the certificate of an unavailable server cannot be checked.
    await probe(settings.endpoint_url, connectMs);
    const trusted = settings.security_mode === "None" ? undefined : requireUsable(settings, own);
    const client = await createClient(library, settings, own, trusted);
    const logIns = watchLogIns(library, client);
    const errors = new ServerErrors(library, client);
    const late = () => noAnswer(settings);
    let loggedIn = false;
    try {
      const logIn = async () => {
        await client.connect(settings.endpoint_url);
        return client.createSession(identityInfo(library, identity));
      };
      const session = await withDeadline(
        Promise.race([logIn(), errors.ended]),
        Math.max(1000, deadlineMs - performance.now()),
        late,
      );
      loggedIn = true;
      logIns.again = () => undefined;
      if (identity.kind !== "anonymous") forgetRefused(settings);
      const about = await withDeadline(readAbout(session), settings.request_timeout_seconds * 1000, late);
      return new PlantSession(library, settings, client, session, { ...about, learnt, errors, logIns });
    } catch (error) {
      await abandon(client);
      if (error instanceof Failure) throw error;
      const status = errors.first?.status ?? statusNameIn(error);
      if (logIns.sent && !loggedIn && identity.kind !== "anonymous" && refusesSecret(identity, status)) {
        throw await noteRefused(settings, identity, status, error);
      }
      throw await whyRefused(library, settings, own, trusted, error, errors.first);
    }
  }

  /** Why this session cannot be used any more; undefined if it can. */
  get broken(): string | undefined {
    const reported = this.#errors.first;
    return reported === undefined ? this.#broken : serverErrorText(reported);
  }

  /** Reads attributes; returns one DataValue for each, including Bad ones. */
  read(nodes: readonly ReadValueIdOptions[]): Promise<DataValue[]> {
    return inPieces(nodes, this.limits.read, (piece) => this.#ask(() => this.#session.read(piece)));
  }

  /** Writes values; returns one status for each. The values are sent without copying them. */
  write(values: readonly WriteValue[]): Promise<StatusCode[]> {
    return inPieces(values, this.limits.write, (piece) => this.#ask(() => this.#writeUncopied(piece)));
  }

  /** `ClientSession.write` rebuilds every value, which would take most of the time for a frame. */
  #writeUncopied(values: WriteValue[]): Promise<StatusCode[]> {
    const { WriteRequest, WriteResponse } = this.library;
    const request = new WriteRequest({});
    request.nodesToWrite = values;
    const session = this.#session as unknown as Transactor;
    return new Promise((resolve, reject) => {
      session.performMessageTransaction(request, (error, response) => {
        if (error) return reject(error);
        if (!(response instanceof WriteResponse)) return reject(new Error("BadUnexpectedError: no answer to a Write"));
        const { serviceResult } = response.responseHeader;
        if (serviceResult.isBad()) return reject(new Error(serviceResult.toString()));
        resolve(response.results ?? []);
      });
    });
  }

  translate(paths: readonly BrowsePath[]) {
    return inPieces(paths, this.limits.translate, (piece) => this.#ask(() => this.#session.translateBrowsePath(piece)));
  }

  /** Returns all references of each description, continued until there are no more. */
  async browse(descriptions: readonly BrowseDescriptionLike[]): Promise<BrowseResult[]> {
    const results = await inPieces(descriptions, this.limits.browse, (piece) =>
      this.#ask(() => this.#session.browse(piece)),
    );
    for (const result of results) {
      for (let point = result.continuationPoint; point != null && point.length > 0; ) {
        const next = await this.#ask(() => this.#session.browseNext(point as Buffer, false));
        result.references = [...(result.references ?? []), ...(next.references ?? [])];
        point = next.continuationPoint;
      }
    }
    return results;
  }

  /** Ends the session and the connection, within 2 s even if the server does not answer. Idempotent. */
  async close(): Promise<void> {
    this.#broken ??= "it was closed";
    await abandon(this.#client);
  }

  /** Sends one request with our own time limit: while disconnected, the library's promises never settle. */
  async #ask<T>(request: () => Promise<T>): Promise<T> {
    if (this.broken !== undefined) throw this.#lost(this.broken);
    const late = () =>
      new Failure("opcua.timeout", `${this.endpointUrl} did not respond within ${this.#timeoutMs / 1000} s`, {
        hint: "the server hangs or is overloaded; phorest reconnects",
        retry: "later",
      });
    let watch: NodeJS.Timeout | undefined;
    const broke = new Promise<never>((_, reject) => {
      watch = setInterval(() => this.broken !== undefined && reject(this.#lost(this.broken)), 100);
    });
    try {
      return await withDeadline(Promise.race([request(), broke]), this.#timeoutMs, late);
    } catch (error) {
      if (error instanceof Failure) this.#broken ??= error.message;
      throw this.broken === undefined ? explainFailure(this.endpointUrl, error) : this.#lost(this.broken, error);
    } finally {
      clearInterval(watch);
    }
  }

  #lost(how: string, cause?: unknown): Failure {
    if (cause instanceof Failure) return cause;
    const reported = this.#errors.first;
    return new Failure("opcua.lost", `${this.endpointUrl}: ${how}`, {
      hint: reported === undefined ? "phorest reconnects" : connectionRemedyFor(reported.status),
      retry: "later",
      cause,
    });
  }
}

/** Reads operation limits and namespaces; a server without them has no limits. */
async function readAbout(session: ClientSession) {
  const { read, write, browse, translate } = LIMIT_NODES;
  const questions = [read, write, browse, translate, NAMESPACE_ARRAY].map((nodeId) => ({
    nodeId,
    attributeId: VALUE_ATTRIBUTE,
  }));
  // The number that it answers at once is one of the questions.
  const answers = await inPieces(questions, { max: questions.length }, (piece) => session.read(piece));
  const values = answers.map(({ statusCode, value }): unknown => (statusCode.isGood() ? value.value : undefined));
  const number = (at: number) => Number(values[at] ?? 0);
  const uris = values[4];
  return {
    stated: { read: number(0), write: number(1), browse: number(2), translate: number(3) },
    namespaces: Array.isArray(uris) ? uris.map(String) : [],
  };
}
