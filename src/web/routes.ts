// The page's addresses. Reading is answered from the experiment's files; a change is asked of the supervisor.
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { stream } from "hono/streaming";
import { encodeFailure, Failure } from "../failure/failure.ts";
import { METRICS_TYPE } from "../health/metrics.ts";
import { LOG_STAGES } from "../log/levels.ts";
import { logTail } from "../log/tail.ts";
import type { Asset } from "./assets.ts";
import { guard, METRICS_PATH, PICTURE_PATH, SECURITY_HEADERS } from "./auth.ts";
import { bodyOf } from "./body.ts";
import { calibrationRoutes } from "./calibration-routes.ts";
import { curvesCsv } from "./curves-csv.ts";
import type { Change } from "./messages.ts";
import { BadRequest, curvesQuery, logQuery, markerId, newBaseline, newMarker, tileAddress } from "./queries.ts";
import type { Env, Served } from "./served.ts";
import { tileAnswer } from "./tile.ts";

/** Bytes; a marker needs a few hundred. */
const LARGEST_BODY = 16_384;

export function routes(served: Served): Hono<Env> {
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) context.res.headers.set(name, value);
    if (!context.res.headers.has("Cache-Control")) context.res.headers.set("Cache-Control", "no-store");
  });
  app.use(guard(served.host, served.token));
  const limited = bodyLimit({
    maxSize: LARGEST_BODY,
    onError: (context) => context.json({ error: `the request body is larger than ${LARGEST_BODY} bytes` }, 413),
  });
  app.use((context, next) => (context.req.path === PICTURE_PATH ? next() : limited(context, next)));
  reading(app, served);
  changing(app, served);
  calibrationRoutes(app, served);
  app.get("*", (context) => asset(context, served.assets));
  app.notFound((context) => context.json({ error: "no such page or address" }, 404));
  app.onError((error, context) => {
    if (error instanceof BadRequest) return context.json({ error: error.message }, 400);
    const { code, message } = encodeFailure(error);
    if (error instanceof Failure) {
      const lacksMemory = code === "frame.unreadable" && error.retry === "later";
      return context.json({ error: error.line, code }, lacksMemory ? 503 : (STATUS[code] ?? 503));
    }
    served.complain(`${context.req.method} ${context.req.path}: ${message}`);
    return context.json({ error: "internal error; see web.log for the reason", code }, 500);
  });
  return app;
}

/** Failures that are no fault of the server. */
const STATUS: Readonly<Partial<Record<string, 400 | 404>>> = {
  "usage.invalid": 400,
  "frame.missing": 404,
  "file.refused": 404,
  "frame.unreadable": 400,
  "chip.unknown": 400,
};

function reading(app: Hono<Env>, { experiment, live, logsDir }: Served): void {
  const nothing = (context: Context<Env>) => context.json({ error: "no frame has been measured yet" }, 404);
  app.get("/api/state", (context) => context.json(experiment.state()));
  // Monitors know this address by custom.
  app.get(METRICS_PATH, async (context) =>
    context.body(await experiment.metrics(), 200, { "Content-Type": METRICS_TYPE }),
  );
  app.get(
    "/api/live",
    (context) => live.serve(context) ?? context.json({ error: "too many pages are open; close some of them" }, 503),
  );
  app.get("/api/chip", (context) => {
    const chip = experiment.chip();
    return chip === undefined ? nothing(context) : context.json(chip);
  });
  app.get("/api/curves", async (context) => {
    const view = await experiment.curves(curvesQuery(parametersOf(context)));
    return view === undefined ? nothing(context) : context.json(view);
  });
  app.get("/api/curves.csv", (context) => {
    const query = curvesQuery(parametersOf(context));
    context.header("Content-Type", "text/csv; charset=utf-8");
    context.header("Content-Disposition", 'attachment; filename="sensorgrams.csv"');
    return stream(context, async (out) => {
      for await (const part of curvesCsv(experiment, query)) await out.write(part);
    });
  });
  app.get("/api/frame", async (context) => context.json(await experiment.frame()));
  app.get("/api/frame/:entry/:level/:column/:row", async (context) => {
    const { entry, level, column, row } = context.req.param();
    const address = tileAddress([entry, level, column, row]);
    // A tile of an entry never changes; the browser may keep what it has seen.
    const kept = { "Cache-Control": "private, max-age=600" };
    return tileAnswer(context, await experiment.tile(...address), experiment.isPast(address[0]), kept);
  });
  app.get("/api/profile", async (context) => {
    const profile = await experiment.profile(context.req.query("roi") ?? "");
    return profile === undefined ? context.json({ error: "no ROI has this label" }, 404) : context.json(profile);
  });
  app.get("/api/experiment", (context) => context.json(experiment.experiment()));
  app.get("/api/log", (context) => {
    const { stage, level, text, lines } = logQuery(parametersOf(context));
    const stages = stage === undefined ? LOG_STAGES : [stage];
    const found = logTail(logsDir, { limit: lines, stages, level, containing: text });
    return context.json(
      found.map((line) => ({ ...line, text: line.text.slice(`${line.time} ${line.level} `.length) })),
    );
  });
  // A page learns here whether its token is right; a wrong one was refused before.
  app.get("/api/token", (context) => context.json({ known: context.req.header("authorization") !== undefined }));
}

function changing(app: Hono<Env>, { change }: Served): void {
  const make = async (context: Context<Env>, wanted: Change) => {
    await change(wanted);
    return context.json({ done: true });
  };
  app.post("/api/markers", async (context) => make(context, newMarker(await bodyOf(context))));
  app.delete("/api/markers/:id", (context) =>
    make(context, { type: "remove-marker", markerId: markerId(context.req.param("id")) }),
  );
  app.post("/api/brightfield", (context) => make(context, { type: "take-brightfield" }));
  app.put("/api/baseline", async (context) => make(context, newBaseline(await bodyOf(context))));
  app.delete("/api/baseline", (context) => make(context, { type: "forget-baseline" }));
}

function parametersOf(context: Context<Env>): URLSearchParams {
  return new URL(context.req.url).searchParams;
}

function asset(context: Context<Env>, assets: ReadonlyMap<string, Asset>): Response {
  const found = assets.get(context.req.path);
  if (found === undefined) return context.json({ error: "no such page or address" }, 404);
  if (context.req.header("if-none-match") === found.tag) return context.body(null, 304);
  return context.body(found.bytes, 200, { "Content-Type": found.type, ETag: found.tag, "Cache-Control": "no-cache" });
}
