// Handles the routes of the table. Reads come from the experiment's files; changes are requested from the supervisor.
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { stream } from "hono/streaming";
import { injectionsCsv, parseInjections } from "../evaluation/injections-file.ts";
import { encodeFailure, Failure } from "../failure/failure.ts";
import { LOG_STAGES } from "../log/levels.ts";
import { logTail } from "../log/tail.ts";
import type { Asset } from "./assets.ts";
import { guard, SECURITY_HEADERS, TAKES_IMAGE } from "./auth.ts";
import { type CalibrationName, calibrationHandlers } from "./calibration-handlers.ts";
import { curvesCsv } from "./curves-csv.ts";
import { attached, type EvaluationName, evaluationHandlers } from "./evaluation-handlers.ts";
import { type Handlers, register } from "./handlers.ts";
import { editedInjection, injectionView, newInjections } from "./injection-queries.ts";
import type { Change } from "./messages.ts";
import {
  analysisChoice,
  BadRequest,
  curvesQuery,
  editedMarker,
  newBaseline,
  newMarkers,
  panelsQuery,
} from "./queries.ts";
import { ROUTES, type RouteName } from "./route-table.ts";
import type { Env, Served } from "./served.ts";
import { tileAnswer } from "./tile.ts";

type ChangingName =
  | "addMarker"
  | "addMarkers"
  | "editMarker"
  | "removeMarker"
  | "addInjection"
  | "addInjections"
  | "addInjectionFile"
  | "editInjection"
  | "removeInjection"
  | "setBaseline"
  | "forgetBaseline"
  | "takeBrightfield";
type ReadingName = Exclude<RouteName, ChangingName | CalibrationName | EvaluationName>;

/** Maximum body size, bytes; enough for as many markers or injections as an experiment may have. */
const LARGEST_BODY = 2 ** 21;

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
  app.use((context, next) => (TAKES_IMAGE.has(context.req.path) ? next() : limited(context, next)));
  register(app, {
    ...reading(served),
    ...changing(served),
    ...calibrationHandlers(served),
    ...evaluationHandlers(served),
  });
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

/** Failures that are not the server's fault. */
const STATUS: Readonly<Partial<Record<string, 400 | 404>>> = {
  "usage.invalid": 400,
  "frame.missing": 404,
  "file.refused": 404,
  "frame.unreadable": 400,
  "chip.unknown": 400,
};

function reading({ experiment, live, logsDir }: Served): Handlers<ReadingName> {
  const nothing = (context: Context<Env>) => context.json({ error: "no frame has been measured yet" }, 404);
  return {
    metrics: async (context) =>
      context.body(await experiment.metrics(), 200, { "Content-Type": ROUTES.metrics.answer.type }),
    state: (context) => context.json(experiment.state()),
    live: (context) =>
      live.serve(context) ?? context.json({ error: "too many pages are open; close some of them" }, 503),
    chip: (context, { query }) => {
      const chip = experiment.chip(analysisChoice(query));
      return chip === undefined ? nothing(context) : context.json(chip);
    },
    profile: async (context, { query }) => {
      const profile = await experiment.profile(analysisChoice(query), query.roi);
      return profile === undefined ? context.json({ error: "no ROI has this label" }, 404) : context.json(profile);
    },
    curves: async (context, { query }) => {
      const view = await experiment.curves(analysisChoice(query), curvesQuery(query));
      return view === undefined ? nothing(context) : context.json(view);
    },
    panels: async (context, { query }) => {
      const view = await experiment.panels(analysisChoice(query), panelsQuery(query));
      return view === undefined ? nothing(context) : context.json(view);
    },
    curvesCsv: (context, { query }) => {
      const wanted = curvesQuery(query);
      const shown = experiment.shown(analysisChoice(query));
      // A drawing may show a gap between two frames; a file without frames is a mistake in the window.
      experiment.refuseEmpty({ fromUs: wanted.fromUs ?? 0, toUs: wanted.toUs ?? Number.MAX_SAFE_INTEGER });
      for (const [name, value] of Object.entries(attached("sensorgrams", ROUTES.curvesCsv)))
        context.header(name, value);
      return stream(context, async (out) => {
        for await (const part of curvesCsv(experiment, shown, wanted)) await out.write(part);
      });
    },
    frame: async (context) => context.json(await experiment.frame()),
    frameTile: async (context, { parameters: { entry, level, column, row } }) => {
      // A tile of an entry never changes, so the browser may cache it.
      const kept = { "Cache-Control": "private, max-age=600" };
      return tileAnswer(context, await experiment.tile(entry, level, column, row), experiment.isPast(entry), kept);
    },
    frames: (context) => context.json(experiment.pictures.frames()),
    difference: async (context, { query: { a, b } }) => context.json(await experiment.pictures.difference(a, b)),
    differencePng: async (context, { query: { a, b } }) =>
      context.body(Uint8Array.from(await experiment.pictures.differencePng(a, b)), 200, {
        "Content-Type": ROUTES.differencePng.answer.type,
      }),
    profiles: async (context, { query }) => {
      const view = await experiment.profiles(analysisChoice(query), query.roi, query.entry);
      return view === undefined ? context.json({ error: "no ROI has this label" }, 404) : context.json(view);
    },
    experiment: (context) => context.json(experiment.experiment()),
    injections: (context) => context.json(experiment.injections().map(injectionView)),
    injectionsCsv: async (context) =>
      context.body(await injectionsCsv(experiment.injections()), 200, attached("injections", ROUTES.injectionsCsv)),
    log: (context, { query: { stage, level, text, lines } }) => {
      const stages = stage === undefined ? LOG_STAGES : [stage];
      const found = logTail(logsDir, { limit: lines, stages, level, containing: text });
      return context.json(
        found.map((line) => ({
          ...line,
          text: experiment.zone.shown(line.text.slice(`${line.time} ${line.level} `.length)),
        })),
      );
    },
    // The page checks its token here; a wrong one has already been refused.
    token: (context) => context.json({ known: context.req.header("authorization") !== undefined }),
  };
}

function changing({ change, experiment }: Served): Handlers<ChangingName> {
  const make = async (context: Context<Env>, wanted: Change) => {
    await change(wanted);
    return context.json({ done: true });
  };
  return {
    addMarker: (context, { body }) => make(context, newMarkers([body])),
    addMarkers: (context, { body }) => make(context, newMarkers(body.markers)),
    editMarker: (context, { parameters, body }) => make(context, editedMarker(parameters.id, body)),
    removeMarker: (context, { parameters }) => make(context, { type: "remove-marker", markerId: parameters.id }),
    addInjection: (context, { body }) => make(context, newInjections([body], body.author)),
    addInjections: (context, { body }) => make(context, newInjections(body.injections, body.author)),
    addInjectionFile: async (context, { body: { csv, name, author } }) => {
      const injections = await parseInjections(csv, name, experiment.firstFrameUs(), experiment.zone);
      return make(context, { type: "add-injections", author, injections });
    },
    editInjection: (context, { parameters, body }) => make(context, editedInjection(parameters.id, body)),
    removeInjection: (context, { parameters, query }) =>
      make(context, { type: "remove-injection", injectionId: parameters.id, author: query.author }),
    setBaseline: (context, { body }) => {
      const wanted = newBaseline(body);
      experiment.refuseEmpty(wanted);
      return make(context, wanted);
    },
    forgetBaseline: (context) => make(context, { type: "forget-baseline" }),
    takeBrightfield: (context) => make(context, { type: "take-brightfield" }),
  };
}

function asset(context: Context<Env>, assets: ReadonlyMap<string, Asset>): Response {
  const found = assets.get(context.req.path);
  if (found === undefined) return context.json({ error: "no such page or address" }, 404);
  if (context.req.header("if-none-match") === found.tag) return context.body(null, 304);
  return context.body(found.bytes, 200, { "Content-Type": found.type, ETag: found.tag, "Cache-Control": "no-cache" });
}
