// The injections of the experiment in a table, changed in place; CSV import and export; proposals from the data.
import { useRef } from "preact/hooks";
import { concentrationText } from "../../measurement/concentration.ts";
import type { InjectionView, ProposalView } from "../evaluation-views.ts";
import { change, getBlob, reasonOf } from "./api.ts";
import { number } from "./format.ts";
import { type Draft, InjectionForm } from "./injection-form.tsx";
import { download } from "./picture-file.ts";
import { clock, day, zoneName } from "./time.ts";

interface TableProps {
  readonly injections: readonly InjectionView[];
  readonly draft: Draft | undefined;
  edit(draft: Draft | undefined): void;
  save(draft: Draft): Promise<boolean>;
  /** Resolves to whether the change was made. */
  act(what: Promise<void>): Promise<boolean>;
  failed(message: string): void;
  /** Shows the time of an injection in the plot. */
  show(injection: InjectionView): void;
}

const COLUMNS = 9;

export function InjectionTable({ injections, draft, edit, save, act, failed, show }: TableProps) {
  const solutions = [...new Set(injections.map(({ solution }) => solution))];
  const form = draft !== undefined && (
    <InjectionForm
      key={draft.id ?? "new"}
      draft={draft}
      solutions={solutions}
      save={save}
      cancel={() => edit(undefined)}
    />
  );
  return (
    <section class="card">
      <div class="bar spread">
        <h2>Injections</h2>
        <Files act={act} failed={failed} isEmpty={injections.length === 0} />
      </div>
      {draft !== undefined && draft.id === undefined && form}
      {injections.length === 0 && draft === undefined && (
        <p class="quiet">
          No injections yet. Choose “New injection” and drag over the curves, import a CSV file, or let a pump's program
          send them.
        </p>
      )}
      {injections.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Injections, in order of time">
          <table class="stack">
            <thead>
              <tr>
                <th class="n">number</th>
                <th class="n">cycle</th>
                <th>solution</th>
                <th>type</th>
                <th class="n">concentration</th>
                <th class="n">refr. index</th>
                <th>start and end, {zoneName()}</th>
                <th>dissociation until</th>
                <th>
                  <span class="unseen">Change</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {injections.map((one) =>
                one.id === draft?.id ? (
                  <tr key={one.id}>
                    <td colSpan={COLUMNS}>{form}</td>
                  </tr>
                ) : (
                  <Row key={one.id} injection={one} edit={edit} act={act} show={show} />
                ),
              )}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Row({
  injection,
  edit,
  act,
  show,
}: { readonly injection: InjectionView } & Pick<TableProps, "edit" | "act" | "show">) {
  const { id, cycle, solution, type, concentration, refractiveIndex, start, end, dissociationEnd, note } = injection;
  const name = `injection ${id}, ${solution}`;
  return (
    <tr onDblClick={() => edit(injection)}>
      <td class="n" data-head="number">
        {id}
      </td>
      <td class="n" data-head="cycle">
        {cycle}
      </td>
      <td class="words">
        {solution}
        {note !== "" && <div class="quiet">{note}</div>}
      </td>
      <td data-head="type">{type}</td>
      <td class="n" data-head="concentration">
        {concentration === null ? "–" : concentrationText(concentration)}
      </td>
      <td class="n" data-head="refr. index">
        {refractiveIndex ?? "–"}
      </td>
      <td class="time" data-head="start and end">
        {day(start)}, {clock(start)} to {day(start) === day(end) ? "" : `${day(end)}, `}
        {clock(end)}
      </td>
      <td class="time" data-head="dissociation until">
        {dissociationEnd === null ? "next injection" : clock(dissociationEnd)}
      </td>
      <td class="n">
        <button type="button" class="plain" aria-label={`Show ${name}`} onClick={() => show(injection)}>
          Show
        </button>
        <button type="button" class="plain" aria-label={`Change ${name}`} onClick={() => edit(injection)}>
          ✎
        </button>
        <button
          type="button"
          class="plain"
          aria-label={`Remove ${name}`}
          onClick={() => void act(change("DELETE", `/api/injections/${id}`))}
        >
          ✕
        </button>
      </td>
    </tr>
  );
}

function Files({ act, failed, isEmpty }: Pick<TableProps, "act" | "failed"> & { readonly isEmpty: boolean }) {
  const chooser = useRef<HTMLInputElement>(null);
  const send = async (file: File | undefined) => {
    if (file === undefined) return;
    await act(change("POST", "/api/injections/file", { csv: await file.text(), name: file.name }));
    // The same file can be chosen again once it is corrected.
    if (chooser.current !== null) chooser.current.value = "";
  };
  return (
    <div class="bar tight">
      <input
        ref={chooser}
        type="file"
        accept=".csv,text/csv"
        hidden
        aria-label="CSV file of injections"
        onChange={(event) => void send(event.currentTarget.files?.[0])}
      />
      <button type="button" onClick={() => chooser.current?.click()}>
        Import CSV
      </button>
      <button
        type="button"
        disabled={isEmpty}
        onClick={() =>
          void getBlob("/api/injections.csv").then(
            (file) => download("injections.csv", file),
            (error: unknown) => failed(reasonOf(error)),
          )
        }
      >
        Download CSV
      </button>
    </div>
  );
}

/** Shows unrecorded steps in the data. Nothing is added until the user adds it. */
export function Proposals({
  proposals,
  propose,
}: {
  readonly proposals: readonly ProposalView[];
  propose(proposal: ProposalView): void;
}) {
  if (proposals.length === 0) return null;
  return (
    <section class="card">
      <h2>Steps without an injection</h2>
      <p class="quiet">Many gratings move together here. Is it an injection? Nothing is recorded until you add it.</p>
      <ul class="plain">
        {proposals.map((one) => (
          <li key={one.start}>
            <span>
              {day(one.start)}, {clock(one.start)} {one.end === null ? "" : `to ${clock(one.end)} `}
              <span class="quiet">(starts with {number(one.stepPx, 3)} px)</span>
            </span>
            <button type="button" class="plain" onClick={() => propose(one)}>
              Add …
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
