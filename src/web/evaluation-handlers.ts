// Handles the requests about injections. The answers come from the evaluator's thread, in the format of the commands.
import type { Context } from "hono";
import type { EvaluationJob } from "./evaluation-jobs.ts";
import { comparisonQuestion, injectionQuestion, kineticsQuestion, mapQuestion } from "./evaluation-queries.ts";
import type { Handlers } from "./handlers.ts";
import type { Route } from "./route.ts";
import { ROUTES } from "./route-table.ts";
import type { Env, Served } from "./served.ts";

export type EvaluationName =
  | "proposedInjections"
  | "responses"
  | "responsesCsv"
  | "arrivals"
  | "arrivalsCsv"
  | "sensitivities"
  | "sensitivitiesCsv"
  | "kinetics"
  | "kineticsCsv"
  | "comparison"
  | "comparisonFigure"
  | "map"
  | "mapCsv";

export function evaluationHandlers({ evaluator, experiment }: Served): Handlers<EvaluationName> {
  const answer = async (context: Context<Env>, route: Route, job: EvaluationJob) =>
    context.body(await evaluator.ask(job, experiment.dataStamp()), 200, { "Content-Type": route.answer.type });
  const file = async (context: Context<Env>, route: Route, name: string, job: EvaluationJob) =>
    context.body(await evaluator.ask(job, experiment.dataStamp()), 200, attached(name, route));
  return {
    proposedInjections: (context) => answer(context, ROUTES.proposedInjections, { type: "proposals" }),
    responses: (context, { query }) =>
      answer(context, ROUTES.responses, { type: "responses", question: injectionQuestion(query), csv: false }),
    responsesCsv: (context, { query }) =>
      file(context, ROUTES.responsesCsv, "responses", {
        type: "responses",
        question: injectionQuestion(query),
        csv: true,
      }),
    arrivals: (context, { query }) =>
      answer(context, ROUTES.arrivals, { type: "arrivals", question: injectionQuestion(query), csv: false }),
    arrivalsCsv: (context, { query }) =>
      file(context, ROUTES.arrivalsCsv, "arrival", { type: "arrivals", question: injectionQuestion(query), csv: true }),
    sensitivities: (context, { query }) => {
      const question = { ...injectionQuestion(query), bufferIndex: query.bufferIndex };
      return answer(context, ROUTES.sensitivities, { type: "sensitivities", question, csv: false });
    },
    sensitivitiesCsv: (context, { query }) => {
      const question = { ...injectionQuestion(query), bufferIndex: query.bufferIndex };
      return file(context, ROUTES.sensitivitiesCsv, "sensitivity", { type: "sensitivities", question, csv: true });
    },
    kinetics: (context, { query }) =>
      answer(context, ROUTES.kinetics, { type: "kinetics", question: kineticsQuestion(query), csv: false }),
    kineticsCsv: (context, { query }) =>
      file(context, ROUTES.kineticsCsv, "kinetics", { type: "kinetics", question: kineticsQuestion(query), csv: true }),
    comparison: (context, { query }) =>
      answer(context, ROUTES.comparison, { type: "comparison", question: comparisonQuestion(query), figure: false }),
    comparisonFigure: (context, { query }) =>
      answer(context, ROUTES.comparisonFigure, {
        type: "comparison",
        question: comparisonQuestion(query),
        figure: true,
      }),
    map: (context, { query }) => answer(context, ROUTES.map, { type: "map", question: mapQuestion(query), csv: false }),
    mapCsv: (context, { query }) =>
      file(context, ROUTES.mapCsv, `map_${query.quantity}`, { type: "map", question: mapQuestion(query), csv: true }),
  };
}

/** Returns the headers for a CSV file that the browser saves. */
export function attached(name: string, { answer }: Route): Record<string, string> {
  return { "Content-Type": answer.type, "Content-Disposition": `attachment; filename="${name}.csv"` };
}
