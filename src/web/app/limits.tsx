// Typed limits of the axes: y from and to, and a window of time. Empty fields are automatic.
import { useEffect, useState } from "preact/hooks";
import { fixed, typedNumber } from "./format.ts";
import { fromTyped, TYPED_TIME, typed, zoneName } from "./time.ts";

export type Range = readonly [from: number, to: number];

/** Pattern of a number that the user types. */
const NUMBER = "\\s*[-\u2212+]?(\\d+([.,]\\d*)?|[.,]\\d+)([eE][-+]?\\d+)?\\s*";

interface LimitsProps {
  /** undefined: automatic. */
  readonly range: Range | undefined;
  set(range: Range | undefined): void;
}

/** Shows the limits of the y-axis in `unit`. */
export function YLimits({ range, set, unit }: LimitsProps & { readonly unit: string }) {
  return <ValueLimits range={range} set={set} name={`y-limits, ${unit}`} />;
}

/** Shows the limits of any numeric quantity; `name` includes its unit. */
export function ValueLimits({ range, set, name }: LimitsProps & { readonly name: string }) {
  return (
    <RangeForm
      range={range}
      set={set}
      name={name}
      read={(text) => typedNumber(text) ?? Number.NaN}
      write={(value) => String(Number(value.toPrecision(6))).replace("-", "\u2212")}
      pattern={NUMBER}
      hint={`a number, for example ${fixed(-0.5, 1)}`}
      wide={false}
    />
  );
}

/** Shows the limits of a time window. */
export function TimeLimits({ range, set }: LimitsProps) {
  return (
    <RangeForm
      range={range}
      set={set}
      name={`time window, ${zoneName()}`}
      read={fromTyped}
      write={typed}
      pattern={TYPED_TIME}
      hint="date and time, for example 2026-03-04 15:20"
      wide
    />
  );
}

interface FormProps extends LimitsProps {
  readonly name: string;
  readonly pattern: string;
  readonly hint: string;
  readonly wide: boolean;
  read(text: string): number;
  write(value: number): string;
}

function RangeForm({ range, set, name, read, write, pattern, hint, wide }: FormProps) {
  const [low, setLow] = useState("");
  const [high, setHigh] = useState("");
  const [wrong, setWrong] = useState("");
  const [from, to] = range ?? [];
  useEffect(() => {
    setLow(from === undefined ? "" : write(from));
    setHigh(to === undefined ? "" : write(to));
    setWrong("");
  }, [from, to]);
  const submit = (event: Event) => {
    event.preventDefault();
    if (low.trim() === "" && high.trim() === "") return set(undefined);
    const typedRange: Range = [read(low), read(high)];
    if (!(typedRange[0] < typedRange[1])) return setWrong("The first must be less than the second; give both.");
    setWrong("");
    set(typedRange);
  };
  const field = (label: string, value: string, change: (text: string) => void) => (
    <input
      aria-label={`${name}: ${label}`}
      class={wide ? "moment" : "short"}
      value={value}
      pattern={pattern}
      title={hint}
      placeholder="auto"
      onInput={(event) => change(event.currentTarget.value)}
    />
  );
  return (
    <form class="range" onSubmit={submit}>
      <span class="quiet">{name}</span>
      {field("from", low, setLow)}
      <span class="quiet">to</span>
      {field("to", high, setHigh)}
      <button type="submit">Set</button>
      {range !== undefined && (
        <button type="button" onClick={() => set(undefined)}>
          Automatic
        </button>
      )}
      {wrong !== "" && (
        <span class="error" role="alert">
          {wrong}
        </span>
      )}
    </form>
  );
}
