// The thread that evaluates injections for the page. It reads every frame of every curve, which takes seconds in a long
// experiment. Its answers are JSON or CSV text.
import { kineticsView } from "../assay/kinetics/experiment/view.ts";
import { proposedInjections } from "../assay/proposals.ts";
import { arrivalsCsv, arrivalsJson, arrivalsOf, flowLine } from "../evaluation/arrivals.ts";
import {
  type ComparisonSide,
  comparisonDrawing,
  comparisonJson,
  comparisonNotes,
  comparisonOf,
  comparisonSide,
} from "../evaluation/comparisons.ts";
import { type ChosenInjections, injectionCurves } from "../evaluation/injection-curves.ts";
import { kineticsOf } from "../evaluation/kinetics.ts";
import { kineticsCsv } from "../evaluation/kinetics-csv.ts";
import { mapCells, mapCsv, mapJson, mapOf, mapSummary } from "../evaluation/maps.ts";
import { responseJson, responseRows, responsesCsv } from "../evaluation/responses.ts";
import {
  checkBufferIndex,
  isCalibration,
  sensitivitiesCsv,
  sensitivitiesOf,
  sensitivityJson,
} from "../evaluation/sensitivities.ts";
import { mapScale } from "../figures/map-figure.ts";
import { renderVegaLite } from "../figures/render.ts";
import type { Analysis } from "../manifest/analyses.ts";
import { Manifest } from "../manifest/manifest.ts";
import { namedAnalysis, unmeasured } from "../manifest/named-analysis.ts";
import { TimeZone } from "../system/time-zone.ts";
import type { JobHandler } from "../threads/host-loop.ts";
import { lowerPriority } from "../threads/priority.ts";
import type {
  ComparisonQuestion,
  EvaluationJob,
  EvaluatorSettings,
  InjectionQuestion,
  KineticsQuestion,
  MapQuestion,
} from "./evaluation-jobs.ts";
import type { ComparisonView, MapView, ProposalView } from "./evaluation-views.ts";

/** Points are sent for at most this many curves; more would be an answer of many megabytes. */
const MOST_DRAWN = 16;

export async function open({ config, manifestFile }: EvaluatorSettings): Promise<JobHandler<EvaluationJob, string>> {
  lowerPriority();
  const manifest = Manifest.open({ file: manifestFile, readonly: true });

  const measured = (name: string | undefined): Analysis => {
    const analysis = name === undefined ? manifest.analyses.inForce() : namedAnalysis(manifest.analyses, name);
    if (analysis === undefined) throw unmeasured();
    return analysis;
  };
  const chosen = (question: InjectionQuestion): ChosenInjections => ({
    ...question,
    analysis: measured(question.analysis),
  });
  const text = (value: object) => JSON.stringify(value);

  const map = async (question: MapQuestion, csv: boolean): Promise<string> => {
    const { quantity, atUs } = question;
    checkBufferIndex(question.bufferIndex);
    const found = mapOf(manifest, config, quantity, {
      ...question,
      analysis: measured(question.analysis),
      at: atUs === undefined ? undefined : () => atUs,
    });
    if (csv) return mapCsv(quantity, found);
    const cells = mapCells(manifest, found);
    const values = cells.map(({ value }) => value);
    const { name } = found;
    const detail = new TimeZone(config.Display.time_zone).shown(found.detail);
    const places = cells.map(({ label, left, top, right, bottom }) => ({ label, left, top, right, bottom }));
    const scale = mapScale(values, found.diverging, undefined);
    return text({
      ...mapJson(quantity, found),
      name,
      detail,
      summary: mapSummary(found),
      places,
      ...scale,
    } satisfies MapView);
  };

  const kinetics = ({ analysis: name, points, ...request }: KineticsQuestion, csv: boolean) => {
    const analysis = measured(name);
    const found = kineticsOf(manifest, config, analysis, request);
    if (csv) return kineticsCsv(found.gratings.map((one) => one.found));
    return text(kineticsView(found, found.gratings.length > MOST_DRAWN ? 0 : points));
  };

  const comparison = async ({ analysis, other, ...choice }: ComparisonQuestion, figure: boolean): Promise<string> => {
    const [a, b] = [analysis, other].map((name) => comparisonSide(manifest, config, measured(name), choice));
    const found = comparisonOf(a as ComparisonSide, b as ComparisonSide);
    if (figure) return (await renderVegaLite(comparisonDrawing(found))).svg;
    return text({
      ...comparisonJson(found),
      notes: comparisonNotes(found),
    } satisfies ComparisonView);
  };

  const proposals = (): ProposalView[] => {
    const frames = manifest.curves.within(measured(undefined).analysisId, 0, Number.MAX_SAFE_INTEGER);
    return proposedInjections(frames, manifest.injections.all()).map(({ startUs, endUs, stepPx }) => ({
      start: startUs / 1000,
      end: endUs === undefined ? null : endUs / 1000,
      stepPx: Number(stepPx.toPrecision(4)),
    }));
  };

  const run = async (job: EvaluationJob): Promise<string> => {
    switch (job.type) {
      case "responses": {
        const rows = responseRows(injectionCurves(manifest, config, chosen(job.question)));
        return job.csv ? responsesCsv(rows) : text(rows.map(responseJson));
      }
      case "arrivals": {
        const { rows, flows } = arrivalsOf(manifest, injectionCurves(manifest, config, chosen(job.question)));
        return job.csv ? arrivalsCsv(rows) : text({ ...arrivalsJson(rows, flows), summaries: flows.map(flowLine) });
      }
      case "sensitivities": {
        const { bufferIndex } = job.question;
        checkBufferIndex(bufferIndex);
        const curves = injectionCurves(manifest, config, chosen(job.question), isCalibration);
        const found = sensitivitiesOf(curves, bufferIndex);
        return job.csv ? sensitivitiesCsv(found) : text(found.map(sensitivityJson));
      }
      case "map":
        return map(job.question, job.csv);
      case "kinetics":
        return kinetics(job.question, job.csv);
      case "comparison":
        return comparison(job.question, job.figure);
      case "proposals":
        return text(proposals());
      default:
        return job satisfies never;
    }
  };

  return { run, close: async () => manifest.close() };
}
