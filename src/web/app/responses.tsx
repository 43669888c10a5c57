// The responses of all gratings to one injection.
import type { InjectionView } from "../evaluation-views.ts";
import type { StateView } from "../views.ts";
import { useAnalysis } from "./analysis.tsx";
import { getBlob, reasonOf } from "./api.ts";
import { useEvaluation } from "./evaluation.ts";
import { withError } from "./format.ts";
import { download } from "./picture-file.ts";

/** As `phorest responses --json` writes it. */
interface ResponseView {
  readonly label: string;
  readonly point: string;
  readonly frames: number;
  readonly response_px: number | null;
  readonly standard_error_px: number | null;
  readonly flags: readonly string[];
}

const POINTS = ["early", "late", "stability", "dissociation"] as const;
const HEADS = { early: "early", late: "end", stability: "after it", dissociation: "dissociated" } as const;
/** Flags in the words of the page. */
const FLAG_WORDS: Readonly<Record<string, string>> = {
  no_frames: "no frames",
  few_frames: "few frames",
  drift: "drift before",
};

interface Props {
  readonly state: StateView;
  readonly injections: readonly InjectionView[];
  readonly injection: InjectionView | undefined;
  choose(id: number): void;
  failed(message: string): void;
}

export function Responses({ state, injections, injection, choose, failed }: Props) {
  const analysis = useAnalysis();
  const path =
    injection === undefined || state.method === undefined
      ? undefined
      : analysis.ofOne(`/api/responses?injection=${injection.id}`);
  const { value: rows, message } = useEvaluation<readonly ResponseView[]>(path, state);
  if (injection === undefined) return null;
  const byLabel = new Map<string, ResponseView[]>();
  for (const row of rows ?? []) byLabel.set(row.label, [...(byLabel.get(row.label) ?? []), row]);
  const saveAll = () =>
    void getBlob(analysis.ofOne("/api/responses.csv")).then(
      (file) => download("responses.csv", file),
      (error: unknown) => failed(reasonOf(error)),
    );
  return (
    <section class="card">
      <div class="bar spread">
        <h2>Responses</h2>
        <div class="bar tight">
          <button type="button" onClick={saveAll}>
            Download CSV
          </button>
        </div>
      </div>
      <div class="row">
        <label class="wide">
          Injection, also for the map
          <select value={injection.id} onChange={(event) => choose(Number(event.currentTarget.value))}>
            {injections.map(({ id, solution }) => (
              <option key={id} value={id}>
                {id}: {solution}
              </option>
            ))}
          </select>
        </label>
      </div>
      {message !== "" && (
        <p class="quiet" role="status">
          {message}
        </p>
      )}
      {rows !== undefined && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Responses of the gratings, px">
          <table class="stack">
            <thead>
              <tr>
                <th>grating</th>
                {POINTS.map((point) => (
                  <th class="n" key={point}>
                    {HEADS[point]}, px
                  </th>
                ))}
                <th>flags</th>
              </tr>
            </thead>
            <tbody>
              {[...byLabel].map(([label, own]) => (
                <tr key={label}>
                  <td class="name">{label}</td>
                  {POINTS.map((point) => {
                    const found = own.find((one) => one.point === point);
                    return (
                      <td class="n" key={point} data-head={HEADS[point]}>
                        {withError(found?.response_px, found?.standard_error_px)}
                      </td>
                    );
                  })}
                  <td class="words">
                    {[...new Set(own.flatMap(({ flags }) => flags))].map((flag) => FLAG_WORDS[flag] ?? flag).join(", ")}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
