// Experiment: calibration, the log, the settings in use and their origin, the runs, storage and directories.
import { Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ExperimentView, LogLineView, StateView } from "../views.ts";
import { get } from "./api.ts";
import { Calibration } from "./calibration.tsx";
import { bytes } from "./format.ts";
import { OutputQueues } from "./output-queues.tsx";
import { moment, typed, zoneName } from "./time.ts";
import { TokenForm } from "./token-form.tsx";

interface Props {
  readonly state: StateView;
  readonly hasToken: boolean;
  enter(token: string): void;
}

export function ExperimentPage({ state, hasToken, enter }: Props) {
  const [view, setView] = useState<ExperimentView>();
  useEffect(() => {
    get<ExperimentView>("/api/experiment").then(setView, () => undefined);
  }, [state.startedAt]);
  return (
    <div class="split">
      <div class="column">
        <Calibration state={state} />
        <Log state={state} stages={view?.logStages ?? []} />
        {view !== undefined && <Settings view={view} />}
      </div>
      <div class="column">
        {view !== undefined && view.about.length > 0 && <About view={view} />}
        <Permission hasToken={hasToken} enter={enter} />
        <Stored state={state} view={view} />
        {view !== undefined && <Runs view={view} />}
      </div>
    </div>
  );
}

function About({ view }: { view: ExperimentView }) {
  return (
    <section class="card">
      <h2>About this experiment</h2>
      <dl class="words">
        {view.about.map(([what, text]) => (
          <Fragment key={what}>
            <dt>{what}</dt>
            <dd>{text}</dd>
          </Fragment>
        ))}
      </dl>
    </section>
  );
}

const LOG_EVERY_MS = 3000;

function Log({ state, stages }: { state: StateView; stages: readonly string[] }) {
  const [stage, setStage] = useState("");
  const [level, setLevel] = useState("info");
  const [text, setText] = useState("");
  const [lines, setLines] = useState<readonly LogLineView[]>([]);
  const beat = Math.floor(state.now / LOG_EVERY_MS);
  useEffect(() => {
    const ending = new AbortController();
    get<LogLineView[]>(`/api/log?${new URLSearchParams({ stage, level, text })}`, ending.signal).then(
      setLines,
      () => undefined,
    );
    return () => ending.abort();
  }, [stage, level, text, beat]);
  return (
    <section class="card">
      <h2>Log</h2>
      <div class="row">
        <label>
          Stage
          <select value={stage} onChange={(event) => setStage(event.currentTarget.value)}>
            <option value="">all</option>
            {stages.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label>
          Level (and above)
          <select value={level} onChange={(event) => setLevel(event.currentTarget.value)}>
            {["error", "warn", "info", "debug"].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <label class="wide">
          Containing
          <input value={text} maxLength={200} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Log lines, newest first">
        <pre class="log">
          {lines.toReversed().map((line, at) => (
            <div
              key={`${line.time}${at}`}
              class={line.level}
            >{`${typed(Date.parse(line.time))} ${zoneName()} ${line.level} ${line.text}`}</div>
          ))}
        </pre>
        {lines.length === 0 && <p class="quiet">No matching lines.</p>}
      </div>
    </section>
  );
}

function Settings({ view }: { view: ExperimentView }) {
  const [text, setText] = useState("");
  const [given, setGiven] = useState(false);
  const shown = view.settings.filter(
    ({ key, value, origin }) =>
      (!given || origin !== "default") && `${key} ${value} ${origin}`.toLowerCase().includes(text.toLowerCase()),
  );
  return (
    <section class="card">
      <h2>Settings in use</h2>
      <div class="row">
        <label class="wide">
          Search
          <input value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <label class="inline">
          <input type="checkbox" checked={given} onChange={(event) => setGiven(event.currentTarget.checked)} /> hide
          defaults
        </label>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Settings">
        <table class="stack">
          <thead>
            <tr>
              <th>setting</th>
              <th>value</th>
              <th>set by</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ key, value, origin }) => (
              <tr key={key}>
                <td class="words">
                  {section(key)}
                  <wbr />
                  {key.slice(section(key).length)}
                </td>
                <td class="value">{value === "" || value === "[]" ? "–" : value}</td>
                <td class="value quiet" data-head="set by">
                  {origin}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** Returns the section of a key, so that a long key wraps after its section. */
const section = (key: string): string => key.slice(0, key.indexOf(".") + 1);

function Stored({
  state: { counts, outputs, disk, share },
  view,
}: {
  state: StateView;
  view: ExperimentView | undefined;
}) {
  return (
    <section class="card">
      <h2>Storage and queues</h2>
      <dl>
        {disk !== undefined && (
          <>
            <dt>free disk space</dt>
            <dd>{bytes(disk.freeBytes)}</dd>
          </>
        )}
        {counts !== undefined && (
          <>
            <dt>images on this computer</dt>
            <dd>
              {counts.localImages}, {bytes(counts.localBytes)}
            </dd>
            <dt>compressed images</dt>
            <dd>{counts.compressed}</dd>
            <dt>archived frames</dt>
            <dd>{counts.archived}</dd>
          </>
        )}
        <OutputQueues outputs={outputs} />
        <dt>waiting to be copied to the share</dt>
        <dd>{share === undefined ? "syncing is off" : share.waiting}</dd>
      </dl>
      {view !== undefined && (
        <p class="quiet path">
          Where to find your files:
          {Object.entries(view.directories).map(([name, path]) => (
            <div key={name}>
              {name}: {path}
            </div>
          ))}
        </p>
      )}
    </section>
  );
}

function Runs({ view }: { view: ExperimentView }) {
  return (
    <section class="card">
      <h2>Runs</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="Runs, newest first">
        <table>
          <thead>
            <tr>
              <th>run</th>
              <th>started</th>
              <th>ended</th>
            </tr>
          </thead>
          <tbody>
            {view.runs.map((run) => (
              <tr key={run.id}>
                <td>{run.id}</td>
                <td>
                  {moment(run.startedAt)}
                  <div class="quiet">
                    {run.version} on {run.host}
                  </div>
                </td>
                <td>
                  {run.endedAt === undefined
                    ? (run.endReason ?? "still running")
                    : `${moment(run.endedAt)}, ${run.endReason ?? ""}`}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Permission({ hasToken, enter }: Omit<Props, "state">) {
  if (hasToken) {
    return (
      <section class="card">
        <h2>Permission to make changes</h2>
        <p>This browser has the access token. You can change markers, the baseline and the ROIs.</p>
        <button type="button" onClick={() => enter("")}>
          Remove the token from this browser
        </button>
      </section>
    );
  }
  return (
    <TokenForm
      title="Permission to make changes"
      message="You can view everything. To make changes, open the link printed by phorest run, or enter the token here."
      button="Save in this browser"
      enter={enter}
    />
  );
}
