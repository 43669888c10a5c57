// Markers: notes with a time, such as an injection.
import { useEffect, useRef, useState } from "preact/hooks";
import type { StateView } from "../views.ts";
import { change } from "./api.ts";
import { clock, moment } from "./format.ts";

const day = (ms: number) => moment(ms).slice(0, 10);
const local = (ms: number) => new Date(ms).toISOString().slice(0, 19);

export function Markers({
  state,
  at,
  act,
}: {
  state: StateView;
  at: number | undefined;
  /** Resolves to whether the change was made. */
  act(what: Promise<void>): Promise<boolean>;
}) {
  const [text, setText] = useState("");
  const [time, setTime] = useState("");
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (at === undefined) return;
    setTime(local(at));
    field.current?.focus();
  }, [at]);
  const submit = (event: Event) => {
    event.preventDefault();
    const ms = time === "" ? Date.now() : Date.parse(`${time}Z`);
    void act(change("POST", "/api/markers", { at: ms, text })).then((done) => {
      // Keep the typed text until the marker is saved.
      if (!done) return;
      setText("");
      setTime("");
    });
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
          Time, UTC (if empty: now)
          <input type="datetime-local" step={1} value={time} onInput={(event) => setTime(event.currentTarget.value)} />
        </label>
        <button type="submit">Add</button>
      </form>
      <table>
        <tbody>
          {state.markers.map((marker) => (
            <tr key={marker.id}>
              <td class="time">
                {day(marker.at)}
                <br />
                {clock(marker.at)} UTC
              </td>
              <td class="words">{marker.text}</td>
              <td class="n">
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
