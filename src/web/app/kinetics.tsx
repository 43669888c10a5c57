// Kinetics: fits of all gratings as a table, on an iso-affinity plot and on the chip; one grating's curves with their fits.
import { useState } from "preact/hooks";
import type { ChipView, StateView } from "../views.ts";
import { useAnalysis } from "./analysis.tsx";
import { getBlob, reasonOf } from "./api.ts";
import { Cells, Scale } from "./chip-map.tsx";
import { useEvaluation } from "./evaluation.ts";
import { FitCurves } from "./fit-curves.tsx";
import { IsoAffinity } from "./iso-affinity.tsx";
import { isFit, type KineticsAnswer, quantityText, RATES, type Rate, rateMap, wordsOf } from "./kinetics-values.ts";
import { download } from "./picture-file.ts";

const MODELS = [
  "auto",
  "1:1",
  "1:1+bulk",
  "1:1+drift",
  "1:1+bulk+drift",
  "mass-transport",
  "mass-transport+bulk+drift",
  "two-site",
  "dissociation",
  "steady-state",
  "hill",
] as const;
/** All gratings are fitted again for new frames this often; the one that is shown, with every frame. */
const ALL_MS = 30_000;
/** Points of each drawn curve. */
const POINTS = 400;

interface Props {
  readonly state: StateView;
  readonly chip: ChipView | undefined;
  failed(message: string): void;
}

export function Kinetics({ state, chip, failed }: Props) {
  const [model, setModel] = useState<string>("auto");
  const [group, setGroup] = useState("");
  const [chosen, setChosen] = useState<string>();
  const [rate, setRate] = useState<Rate>("KD");
  const query = new URLSearchParams({ model });
  if (group !== "") query.append("group", group);
  const analysis = useAnalysis();
  const path = state.method === undefined ? undefined : analysis.ofOne(`/api/kinetics?${query}`);
  const { value: all, message } = useEvaluation<KineticsAnswer>(path, state, ALL_MS);
  const curves = all?.curves ?? [];
  const label = curves.some(({ curve }) => curve === chosen) ? chosen : (curves.find(isFit) ?? curves[0])?.curve;
  const one = new URLSearchParams({ model, points: String(POINTS), ...(label === undefined ? {} : { roi: label }) });
  // The grating that is shown follows every frame.
  const shown = useEvaluation<KineticsAnswer>(
    label === undefined ? undefined : analysis.ofOne(`/api/kinetics?${one}`),
    state,
    0,
  ).value;
  const fit = shown?.curves.find(isFit);
  return (
    <section class="card">
      <div class="bar spread">
        <h2>Kinetics{all !== undefined && <span class="quiet"> of {all.settings.solution}</span>}</h2>
        <div class="bar tight">
          <button
            type="button"
            disabled={all === undefined}
            onClick={() =>
              void getBlob(analysis.ofOne(`/api/kinetics.csv?${query}`)).then(
                (file) => download("kinetics.csv", file),
                (error: unknown) => failed(reasonOf(error)),
              )
            }
          >
            Download CSV
          </button>
        </div>
      </div>
      <div class="row">
        <Choice name="Model" value={model} choices={MODELS.map((name) => [name, name])} choose={setModel} />
        <Choice
          name="Group"
          value={group}
          choices={[["", "all"], ...(chip?.groups ?? []).map((name): [string, string] => [name, name])]}
          choose={setGroup}
        />
        {label !== undefined && (
          <Choice name="Grating" value={label} choices={curves.map(({ curve }) => [curve, curve])} choose={setChosen} />
        )}
        <Choice
          name="On the chip"
          value={rate}
          choices={RATES.map((name) => [name, name])}
          choose={(name) => setRate(name as Rate)}
        />
      </div>
      {message !== "" && (
        <p class="quiet" role="status">
          {message}
        </p>
      )}
      {all !== undefined && (
        <>
          <div class="halves">
            <div>{fit !== undefined && <FitCurves fit={fit} state={state} windows={shown?.windows ?? []} />}</div>
            <div>
              <RateMap all={all} chip={chip} rate={rate} chosen={label} choose={setChosen} />
              <IsoAffinity curves={curves} chosen={label} choose={setChosen} />
            </div>
          </div>
          <Table all={all} chosen={label} choose={setChosen} />
          {all.notes.length > 0 && (
            <ul class="plain quiet">
              {all.notes.map((note) => (
                <li key={note}>{note}</li>
              ))}
            </ul>
          )}
        </>
      )}
    </section>
  );
}

function Choice({
  name,
  value,
  choices,
  choose,
}: {
  name: string;
  value: string;
  choices: readonly (readonly [string, string])[];
  choose(value: string): void;
}) {
  return (
    <label>
      {name}
      <select value={value} onChange={(event) => choose(event.currentTarget.value)}>
        {choices.map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}

interface ChosenProps {
  readonly all: KineticsAnswer;
  readonly chosen: string | undefined;
  choose(label: string): void;
}

function RateMap({
  all,
  chip,
  rate,
  ...rest
}: ChosenProps & { readonly chip: ChipView | undefined; readonly rate: Rate }) {
  const map = chip && rateMap(all.curves, chip.rois, rate);
  if (map === undefined || map.places.length === 0) return null;
  const [low, high] = map.limits;
  return (
    <>
      <h3>{rate} on the chip</h3>
      <Cells map={map} low={low} high={high} chosen={rest.chosen} choose={rest.choose} />
      <Scale map={map} low={low} high={high} />
    </>
  );
}

function Table({ all, chosen, choose }: ChosenProps) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Kinetics of the gratings">
      <table class="stack">
        <thead>
          <tr>
            <th>grating</th>
            <th>model</th>
            <th class="n">ka, 1/(M s)</th>
            <th class="n">kd, 1/s</th>
            <th class="n">KD, M</th>
            <th class="n">Rmax, px</th>
            <th>flags</th>
          </tr>
        </thead>
        <tbody>
          {all.curves.map((one) => (
            <tr key={one.curve} class={one.curve === chosen ? "near" : ""} onClick={() => choose(one.curve)}>
              <td class="name">{one.curve}</td>
              {isFit(one) ? (
                <>
                  <td data-head="model">{one.model}</td>
                  {(["ka", "kd", "KD", "Rmax"] as const).map((name) => (
                    <td class="n" key={name} data-head={name}>
                      {quantityText(one[name])}
                    </td>
                  ))}
                  <td class="words">{one.flags.map(wordsOf).join(", ")}</td>
                </>
              ) : (
                <td colSpan={6} class="words">
                  not fitted: {one.failed}
                </td>
              )}
            </tr>
          ))}
          {all.groups.map((one) => (
            <tr key={`group ${one.group}`}>
              <td class="name">group {one.group}</td>
              <td data-head="model">mean</td>
              {(["ka", "kd", "KD", "Rmax"] as const).map((name) => (
                <td class="n" key={name} data-head={name}>
                  {quantityText({ ...one[name], flag: null })}
                </td>
              ))}
              <td class="words">
                {one.gratings} gratings
                {one.KD.spread !== null && `, KD spreads by ${(100 * one.KD.spread).toPrecision(2)} %`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
