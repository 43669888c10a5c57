// Compares the shown analysis with another one of the experiment, for the chosen curves.
import { useState } from "preact/hooks";
import type { ComparedFigures, ComparisonView } from "../evaluation-views.ts";
import type { StateView } from "../views.ts";
import { useAnalysis } from "./analysis.tsx";
import { useAnswer, usePictureAddress } from "./answer.ts";
import { getBlob } from "./api.ts";
import { type Choice, listOf } from "./curve-choice.tsx";
import { useEvaluation } from "./evaluation.ts";
import { number } from "./format.ts";

interface Props {
  readonly state: StateView;
  readonly choice: Choice;
}

/** Shows the comparison; nothing if there is only one analysis. */
export function Comparison({ state, choice }: Props) {
  const analysis = useAnalysis();
  const [wanted, setWanted] = useState("");
  const shown = analysis.name ?? state.analyses.find(({ current }) => current)?.name;
  const others = state.analyses.filter(({ name }) => name !== shown);
  const other = others.some(({ name }) => name === wanted) ? wanted : "";
  const query = new URLSearchParams({ other, pairs: choice.pairs ? "1" : "0" });
  for (const roi of listOf(choice.wanted)) if (!roi.startsWith("group:")) query.append("roi", roi);
  const path = other === "" ? undefined : analysis.ofOne(`/api/compare?${query}`);
  const { value, message } = useEvaluation<ComparisonView>(path, state);
  if (others.length === 0) return null;
  return (
    <section class="card">
      <h2>Compare with another analysis</h2>
      <label class="inline">
        Analysis B
        <select value={other} onChange={(event) => setWanted(event.currentTarget.value)}>
          <option value="">none</option>
          {others.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {message !== "" && (
        <p class="quiet" role="status">
          {message}
        </p>
      )}
      {value !== undefined && path !== undefined && <Compared view={value} figure={path.replace("?", ".svg?")} />}
    </section>
  );
}

/** Values of a curve in both analyses: their headers, and how many digits they have. */
const COLUMNS = [
  { head: "end shift", of: "end_shift_median_px", digits: 4 },
  { head: "noise", of: "noise_px", digits: 4 },
  { head: "drift/h", of: "drift_px_per_hour", digits: 3 },
  { head: "LOD", of: "detection_limit_px", digits: 4 },
] as const satisfies readonly { head: string; of: keyof ComparedFigures; digits: number }[];

function Compared({ view: { a, b, curves, notes }, figure }: { view: ComparisonView; figure: string }) {
  return (
    <>
      {[`A: ${a}. B: ${b}.`, ...notes].map((line) => (
        <p class="quiet" key={line}>
          {line}
        </p>
      ))}
      <div class="scroll" tabIndex={0} role="region" aria-label="Values of both analyses, px">
        <table class="stack compared">
          <thead>
            <tr>
              <th>curve</th>
              {COLUMNS.flatMap(({ head }) => [
                <th class="n" key={`${head} A`}>
                  {head} A
                </th>,
                <th class="n" key={`${head} B`}>
                  {head} B
                </th>,
              ])}
            </tr>
          </thead>
          <tbody>
            {curves.map((one) => (
              <tr key={one.label}>
                <td class="name">{one.label}</td>
                {COLUMNS.flatMap(({ head, of, digits }) => [
                  <td class="n" key={`${head} A`} data-head={`${head} A`}>
                    {number(one.a[of], digits)}
                  </td>,
                  <td class="n" key={`${head} B`} data-head={`${head} B`}>
                    {number(one.b[of], digits)}
                  </td>,
                ])}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Drawing path={figure} />
    </>
  );
}

function Drawing({ path }: { path: string }) {
  const { value, message } = useAnswer(path, getBlob);
  const address = usePictureAddress(value);
  if (address === undefined) return <p role="status">{message === "" ? "Drawing …" : message}</p>;
  return (
    <div class="scroll paper" tabIndex={0} role="region" aria-label="Curves of both analyses, and their difference">
      <img src={address} alt="Curves of both analyses over each other, and B minus A" />
    </div>
  );
}
