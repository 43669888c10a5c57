// Markers: notes with a time, such as an injection.
import { useEffect, useRef, useState } from "preact/hooks";
import type { MarkerView, StateView } from "../views.ts";
import { change } from "./api.ts";
import { clock, day, fromTyped, TYPED_TIME, typed, zoneName } from "./time.ts";

interface Props {
  readonly state: StateView;
  /** Time at which a marker was requested in the plot. */
  readonly at: number | undefined;
  /** Resolves to whether the change was made. */
  act(what: Promise<void>): Promise<boolean>;
}

export function Markers({ state, at, act }: Props) {
  const [text, setText] = useState("");
  const [time, setTime] = useState("");
  /** The marker that is being changed; undefined: a new one. */
  const [edited, setEdited] = useState<MarkerView>();
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (at === undefined) return;
    setTime(typed(at));
    field.current?.focus();
  }, [at]);
  const fill = (marker: MarkerView | undefined) => {
    setEdited(marker);
    setText(marker?.text ?? "");
    setTime(marker === undefined ? "" : typed(marker.at));
    if (marker !== undefined) field.current?.focus();
  };
  const submit = (event: Event) => {
    event.preventDefault();
    const ms = time === "" ? Date.now() : fromTyped(time);
    // An unchanged time keeps its fraction of a second.
    const isMoved = edited === undefined || time !== typed(edited.at);
    const made =
      edited === undefined
        ? change("POST", "/api/markers", { at: ms, text })
        : change("PUT", `/api/markers/${edited.id}`, { text, ...(isMoved ? { at: ms } : {}) });
    // Keep what was typed until the marker is saved.
    void act(made).then((done) => done && fill(undefined));
  };
  return (
    <section class="card">
      <h2>Markers</h2>
      <form class="row" onSubmit={submit}>
        <label class="wide">
          Text, for example: injection
          <input
            ref={field}
            required
            maxLength={200}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <label>
          Time, {zoneName()} (if empty: now)
          <input
            value={time}
            pattern={TYPED_TIME}
            placeholder="2026-03-04 15:20:05"
            title="Date and time, for example 2026-03-04 15:20:05"
            onInput={(event) => setTime(event.currentTarget.value)}
          />
        </label>
        <button type="submit">{edited === undefined ? "Add" : "Save"}</button>
        {edited !== undefined && (
          <button type="button" class="plain" onClick={() => fill(undefined)}>
            Cancel
          </button>
        )}
      </form>
      <table>
        <tbody>
          {state.markers.map((marker) => (
            <tr key={marker.id} onDblClick={() => fill(marker)}>
              <td class="time">
                {day(marker.at)}
                <br />
                {clock(marker.at)} {zoneName()}
              </td>
              <td class="words">{marker.text}</td>
              <td class="n">
                <button type="button" class="plain" aria-label={`Change ${marker.text}`} onClick={() => fill(marker)}>
                  ✎
                </button>
                <button
                  type="button"
                  class="plain"
                  aria-label={`Remove ${marker.text}`}
                  onClick={() => void act(change("DELETE", `/api/markers/${marker.id}`))}
                >
                  ✕
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {state.markers.length === 0 && <p class="quiet">No markers yet.</p>}
    </section>
  );
}
