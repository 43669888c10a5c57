// The addresses of calibration. Looking is open like all reading; the guard asks for the token before anything is taken in.
import type { IncomingMessage } from "node:http";
import type { Hono } from "hono";
import { PICTURE_PATH } from "./auth.ts";
import { bodyOf, leaveTime } from "./body.ts";
import { LARGEST_PICTURE_BYTES, LONGEST_DECODING_MS, tooLarge } from "./calibration-session.ts";
import { namedPlaces, pictureId, pictureName, tileAddress } from "./queries.ts";
import type { Env, Served } from "./served.ts";
import { tileAnswer } from "./tile.ts";

export function calibrationRoutes(app: Hono<Env>, { calibrating, experiment }: Served): void {
  const view = () => calibrating.view(experiment.framePx());
  app.get("/api/calibration", (context) => context.json(view()));
  app.get("/api/calibration/labels", (context) => context.json(calibrating.labels()));
  app.get("/api/calibration/tile/:id/:level/:column/:row", async (context) => {
    const { id, level, column, row } = context.req.param();
    const address = tileAddress([id, level, column, row]);
    return tileAnswer(context, await calibrating.tile(...address), calibrating.isPast(address[0]));
  });
  app.post(PICTURE_PATH, async (context) => {
    const { incoming } = context.env;
    const announced = Number(context.req.header("content-length"));
    // Said before it is read; what is not announced is cut off where it is too much.
    if (announced > LARGEST_PICTURE_BYTES) {
      return context.json({ error: tooLarge(LARGEST_PICTURE_BYTES).line }, 413, { Connection: "close" });
    }
    leaveTime(incoming);
    waitForDecoding(incoming);
    const name = pictureName(new URL(context.req.url).searchParams);
    await calibrating.takePicture(name, incoming, Number.isFinite(announced) ? announced : undefined);
    return context.json(view());
  });
  app.post("/api/calibration/frame", async (context) => {
    waitForDecoding(context.env.incoming);
    await calibrating.takeLastFrame();
    return context.json(view());
  });
  app.post("/api/calibration/search", async (context) => {
    const { id, anchors, chip } = namedPlaces(await bodyOf(context));
    calibrating.searchAgain(id, anchors, chip);
    return context.json(view());
  });
  app.post("/api/calibration/accept", async (context) => {
    await calibrating.accept(pictureId(await bodyOf(context)));
    return context.json(view());
  });
  app.delete("/api/calibration", async (context) => {
    await calibrating.forget();
    return context.json(view());
  });
}

/** Keeps the connection open while the picture is decoded: nothing moves on it then. */
function waitForDecoding(incoming: IncomingMessage): void {
  const wait = () => incoming.socket.setTimeout(LONGEST_DECODING_MS + 5_000);
  if (incoming.complete) wait();
  else incoming.once("end", wait);
}
