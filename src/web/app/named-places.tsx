// The form in which the user names labels in an image and sets their places by clicking, dragging or typing.
import { useEffect, useState } from "preact/hooks";
import type { ChipLabelsView } from "../calibration-views.ts";
import { get } from "./api.ts";

export interface Naming {
  /** Chip type; empty: any. */
  readonly chip: string;
  /** The label whose place the next click in the image sets. */
  readonly active: number;
  /** Centre of the label, px. */
  readonly places: readonly { readonly label: string; readonly x?: number; readonly y?: number }[];
}

interface NamedPlacesProps {
  readonly naming: Naming;
  readonly busy: boolean;
  /** Opens the form, because the chip was not found without names. */
  readonly open: boolean;
  change(next: Naming): void;
  search(): void;
}

export function NamedPlaces({ naming, busy, open, change, search }: NamedPlacesProps) {
  const [chips, setChips] = useState<readonly ChipLabelsView[]>([]);
  useEffect(() => {
    get<ChipLabelsView[]>("/api/calibration/labels").then(setChips, () => undefined);
  }, []);
  const known = chips.filter(({ type }) => naming.chip === "" || type === naming.chip);
  const labels = [...new Set([...known.flatMap(({ printed }) => printed), ...known.flatMap((one) => one.gratings)])];
  const edit = (at: number, place: Naming["places"][number]) =>
    change({ ...naming, active: at, places: naming.places.map((one, i) => (i === at ? place : one)) });
  const ready = naming.places.filter(({ label, x, y }) => label !== "" && x !== undefined && y !== undefined);
  return (
    <details open={open}>
      <summary>Name labels manually</summary>
      <p class="quiet">
        Choose a printed label or a grating, then click its centre in the image. Drag the cross to correct it. Two
        labels are enough if they are far apart and in different rows and columns.
      </p>
      <label>
        Chip
        <select value={naming.chip} onChange={(event) => change({ ...naming, chip: event.currentTarget.value })}>
          <option value="">any</option>
          {chips.map(({ type }) => (
            <option key={type} value={type}>
              {type}
            </option>
          ))}
        </select>
      </label>
      <datalist id="chip-labels">
        {labels.map((label) => (
          <option key={label} value={label} />
        ))}
      </datalist>
      {naming.places.map((place, at) => (
        <div class="row" key={at} role="group" aria-label={`Label ${at + 1}`}>
          <label class="wide">
            Label {at + 1}
            <input
              list="chip-labels"
              value={place.label}
              onFocus={() => change({ ...naming, active: at })}
              onInput={(event) => edit(at, { ...place, label: event.currentTarget.value.trim() })}
            />
          </label>
          {(["x", "y"] as const).map((axis) => (
            <label key={axis}>
              {axis}, px
              <input
                type="number"
                class="short"
                value={place[axis] ?? ""}
                onInput={(event) => {
                  const { valueAsNumber } = event.currentTarget;
                  const { [axis]: _, ...rest } = place;
                  edit(at, Number.isFinite(valueAsNumber) ? { ...rest, [axis]: valueAsNumber } : rest);
                }}
              />
            </label>
          ))}
          <button type="button" aria-pressed={naming.active === at} onClick={() => change({ ...naming, active: at })}>
            Set by clicking
          </button>
        </div>
      ))}
      <div class="bar">
        <button type="button" disabled={busy || ready.length < 2} onClick={search}>
          Find the chip with these labels
        </button>
        <button
          type="button"
          onClick={() => change({ ...naming, active: naming.places.length, places: [...naming.places, { label: "" }] })}
        >
          Add a label
        </button>
      </div>
    </details>
  );
}
