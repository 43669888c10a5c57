// The page's frame: the health line, the views, the theme and the token.
import { counted } from "../../system/counted.ts";
import "uplot/dist/uPlot.min.css";
import "./style.css";
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { StateView } from "../views.ts";
import { AnalysisChooser, addressAnalysis, addressedAnalysis, ShownAnalysis } from "./analysis.tsx";
import { follow, hasToken, Refused, setToken, takeToken } from "./api.ts";
import { Assay } from "./assay.tsx";
import { Chip } from "./chip.tsx";
import { ExperimentPage } from "./experiment.tsx";
import { Gratings } from "./gratings.tsx";
import { Images } from "./images.tsx";
import { Now } from "./now.tsx";
import { Sensorgrams } from "./sensorgrams.tsx";
import { setTimeZone } from "./time.ts";
import { TokenForm } from "./token-form.tsx";

const VIEWS = {
  now: "Now",
  sensorgrams: "Sensorgrams",
  assay: "Assay",
  gratings: "Gratings",
  chip: "Chip",
  images: "Images",
  experiment: "Experiment",
} as const;
type View = keyof typeof VIEWS;

function viewOfAddress(): View {
  const named = location.hash.slice(1);
  return Object.hasOwn(VIEWS, named) ? (named as View) : "now";
}

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

function keptTheme(): Theme {
  const kept = localStorage.getItem("phorest-theme");
  return THEMES.find((one) => one === kept) ?? "auto";
}

const DARK = matchMedia("(prefers-color-scheme: dark)");

/** Resolves "auto" here, so that the style sheet needs only two sets of colours. */
function shade(theme: Theme): void {
  const dark = theme === "dark" || (theme === "auto" && DARK.matches);
  document.documentElement.dataset.shade = dark ? "dark" : "light";
  dispatchEvent(new Event("themechange"));
}

function useTheme(): [Theme, () => void] {
  const [theme, setTheme] = useState<Theme>(keptTheme);
  useEffect(() => {
    localStorage.setItem("phorest-theme", theme);
    const apply = () => shade(theme);
    apply();
    DARK.addEventListener("change", apply);
    return () => DARK.removeEventListener("change", apply);
  }, [theme]);
  return [theme, () => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme)];
}

function Page() {
  const [view, setView] = useState(viewOfAddress);
  const [state, setState] = useState<StateView>();
  const [connectionError, setConnectionError] = useState<Error>();
  const [login, setLogin] = useState(0);
  const [analysis, setAnalysis] = useState(addressedAnalysis);
  const [theme, nextTheme] = useTheme();
  useEffect(() => {
    const turn = () => {
      takeToken();
      setView(viewOfAddress());
    };
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);
  useEffect(() => {
    const ending = new AbortController();
    const take = (next: StateView) => {
      setTimeZone(next.timeZone);
      setState(next);
    };
    void follow(take, setConnectionError, ending.signal);
    return () => ending.abort();
  }, [login]);
  useEffect(() => {
    document.title = state === undefined ? "phorest" : `${mark(state, connectionError)} ${state.title} · phorest`;
  }, [state, connectionError]);
  useEffect(() => addressAnalysis(analysis), [analysis]);
  const analyses = state?.analyses ?? [];
  const isUnknown = analysis.name !== undefined && !analyses.some(({ name }) => name === analysis.name);
  const shownName = isUnknown ? undefined : analysis.name;
  const shown = {
    name: shownName,
    joined: analysis.joined,
    // Frames that are measured again have no new outcome.
    news: `${state?.outcome}/${analyses.map(({ name, frames }) => `${name}:${frames}`).join()}`,
    join: (joined: boolean) => setAnalysis((known) => ({ ...known, joined })),
  };
  const barred = connectionError instanceof Refused && connectionError.status === 401;
  const enter = (token: string) => {
    setToken(token);
    setLogin(login + 1);
  };
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        Skip to content
      </button>
      <header>
        <div class="identity">
          <h1>{state?.title ?? "phorest"}</h1>
          {state?.sample !== undefined && <p class="sample quiet">{state.sample}</p>}
        </div>
        {state?.camera?.simulated === true && (
          <p class="badge">
            Simulated chip<span class="unseen">: the images are computed; no camera is in use</span>
          </p>
        )}
        <Verdict state={state} connectionError={barred ? undefined : connectionError} />
        <nav aria-label="Views">
          {(Object.keys(VIEWS) as View[]).map((name) => (
            <a key={name} href={`#${name}`} aria-current={name === view ? "page" : undefined}>
              {VIEWS[name]}
            </a>
          ))}
        </nav>
        <AnalysisChooser
          analyses={analyses}
          name={shownName}
          choose={(name) => setAnalysis((known) => ({ ...known, name }))}
        />
        <button type="button" class="plain theme" onClick={nextTheme} aria-label={`Colour theme: ${theme}. Change it`}>
          ◐ {theme}
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        {barred && (
          <TokenForm
            title="Access token required"
            message={`${connectionError.message}.`}
            button="Open"
            enter={enter}
          />
        )}
        {state !== undefined && !barred && isUnknown && analyses.length > 0 && (
          <p class="error" role="alert">
            This experiment has no analysis “{analysis.name}”; “{analyses.find((one) => one.current)?.name}” is shown.
          </p>
        )}
        {state !== undefined && !barred && (
          <ShownAnalysis.Provider value={shown}>
            {view === "now" && <Now state={state} />}
            {view === "sensorgrams" && <Sensorgrams state={state} />}
            {view === "assay" && <Assay state={state} />}
            {view === "gratings" && <Gratings state={state} />}
            {view === "chip" && <Chip state={state} />}
            {view === "images" && <Images state={state} />}
            {view === "experiment" && <ExperimentPage state={state} enter={enter} hasToken={hasToken()} />}
          </ShownAnalysis.Provider>
        )}
        {state === undefined && !barred && <p role="status">Loading the experiment …</p>}
      </main>
    </>
  );
}

function mark(state: StateView, connectionError: Error | undefined): string {
  return connectionError !== undefined || state.alarms.length > 0 ? "⚠" : state.experiment === "running" ? "●" : "○";
}

/** Shows the health of the experiment in a few words. */
function Verdict({ state, connectionError }: { state: StateView | undefined; connectionError: Error | undefined }) {
  if (connectionError !== undefined)
    return (
      <p class="verdict bad" role="status">
        Not connected: {connectionError.message}. Reconnecting …
      </p>
    );
  if (state === undefined)
    return (
      <p class="verdict" role="status">
        …
      </p>
    );
  const alarms = state.alarms.length;
  if (alarms > 0)
    return (
      <p class="verdict bad" role="status">
        {counted(alarms, "alarm")}: see Now
      </p>
    );
  return state.experiment === "running" ? (
    <p class="verdict good" role="status">
      Running, no problems{state.notes.length > 0 && " (see the note in Now)"}
    </p>
  ) : (
    <p class="verdict" role="status">
      Stopped
    </p>
  );
}

takeToken();
shade(keptTheme());
render(<Page />, document.getElementById("page") as HTMLElement);
