// Chip: the layout of all ROIs, coloured by shift or quality, and one ROI in detail.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { ProfileView } from "../picture-views.ts";
import type { ChipView, CurvesView, RoiView, StateView } from "../views.ts";
import { useAnalysis } from "./analysis.tsx";
import { get } from "./api.ts";
import { divergingColour, GRADES, gradeOf } from "./colours.ts";
import { number, TWO_ERRORS, withError } from "./format.ts";
import { GradeKey } from "./grade-key.tsx";
import { LineChart } from "./line-chart.tsx";
import { moment, zoneName } from "./time.ts";

type By = "shift" | "quality";

export function Chip({ state }: { state: StateView }) {
  const analysis = useAnalysis();
  const [chip, setChip] = useState<ChipView>();
  const [by, setBy] = useState<By>("shift");
  const [label, setLabel] = useState<string>();
  const [message, setMessage] = useState("");
  useEffect(() => {
    if (state.method === undefined) {
      setMessage("No frame has been measured yet.");
      return;
    }
    const ending = new AbortController();
    get<ChipView>(analysis.of("/api/chip"), ending.signal).then(
      (seen) => {
        setChip(seen);
        setMessage("");
      },
      (error: Error) => {
        if (!ending.signal.aborted) setMessage(error.message);
      },
    );
    return () => ending.abort();
  }, [analysis.news, analysis.name, analysis.joined]);
  if (chip === undefined) return <p role="status">{message || "Loading the chip …"}</p>;
  const roi = chip.rois.find((one) => one.label === label) ?? chip.rois[chip.rois.length >> 1];
  return (
    <div class="split">
      <section class="card">
        <h2>
          {chip.rois.length} ROIs <span class="quiet">{moment(chip.capturedAt)}</span>
        </h2>
        <div class="bar" role="group" aria-label="Colour by">
          <button type="button" aria-pressed={by === "shift"} onClick={() => setBy("shift")}>
            Shift from baseline
          </button>
          <button type="button" aria-pressed={by === "quality"} onClick={() => setBy("quality")}>
            Quality
          </button>
        </div>
        <Layout chip={chip} by={by} chosen={roi?.label} choose={setLabel} />
      </section>
      {roi !== undefined && <Detail roi={roi} chip={chip} choose={setLabel} />}
    </div>
  );
}

/** Returns the 98th percentile of the shifts for the colour scale, so that one outlier does not fade all others. */
function usualReach(rois: readonly RoiView[]): number {
  const sizes = rois.flatMap(({ shift }) => (shift === null ? [] : [Math.abs(shift)])).sort((a, b) => a - b);
  return Math.max(0.01, sizes[Math.floor(0.98 * (sizes.length - 1))] ?? 0);
}

/**
 * Returns the mark in the middle of an ROI, which shows its grade without the colour. For shifts, only flags and gaps have one.
 */
function markPath(roi: RoiView, by: By): string {
  const grade = gradeOf(roi);
  if (by === "shift" && grade === "fair") return "";
  const side = 0.7 * Math.min(roi.width, roi.height);
  const [left, top] = [roi.x + (roi.width - side) / 2, roi.y + (roi.height - side) / 2];
  let isX = false;
  return GRADES[grade].mark.replaceAll(/\d+/g, (digits, at: number, all: string) => {
    isX = all.charAt(at - 1) !== " ";
    return String((isX ? left : top) + (side * Number(digits)) / 10);
  });
}

function Layout({
  chip,
  by,
  chosen,
  choose,
}: {
  chip: ChipView;
  by: By;
  chosen: string | undefined;
  choose(label: string): void;
}) {
  const { rois } = chip;
  const reach = usualReach(rois);
  const box = useMemo(() => {
    const [left, top] = [Math.min(...rois.map(({ x }) => x)), Math.min(...rois.map(({ y }) => y))];
    const [right, bottom] = [
      Math.max(...rois.map(({ x, width }) => x + width)),
      Math.max(...rois.map(({ y, height }) => y + height)),
    ];
    const margin = 0.03 * Math.max(right - left, bottom - top);
    return {
      left: left - margin,
      top: top - margin,
      width: right - left + 2 * margin,
      height: bottom - top + 2 * margin,
    };
  }, [chip.analysisId, rois.length]);
  const colour = (roi: RoiView) => {
    if (by === "quality") return GRADES[gradeOf(roi)].colour;
    return roi.shift === null ? GRADES.none.colour : divergingColour(roi.shift / reach);
  };
  return (
    <>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: with the keyboard, choose an ROI in the list next to the layout. */}
      <svg
        class="chip"
        viewBox={`${box.left} ${box.top} ${box.width} ${box.height}`}
        role="img"
        aria-label={`Layout of ${rois.length} ROIs, coloured by ${by}. Choose an ROI in the list next to it.`}
        onClick={(event) => {
          const name = event.target instanceof Element ? event.target.getAttribute("data-label") : null;
          if (name !== null) choose(name);
        }}
      >
        {rois.map((roi) => (
          <rect
            key={roi.label}
            data-label={roi.label}
            x={roi.x}
            y={roi.y}
            width={roi.width}
            height={roi.height}
            fill={colour(roi)}
            stroke={roi.label === chosen ? "var(--text)" : roi.flags.length > 0 ? GRADES.bad.colour : "var(--line)"}
            stroke-width={roi.label === chosen ? box.width / 250 : box.width / 900}
          >
            <title>{`${roi.label}: ${number(roi.shift)} px${roi.flags.length > 0 ? `, ${roi.flags.join(", ")}` : ""}`}</title>
          </rect>
        ))}
        <path
          class="marks"
          d={rois.map((roi) => markPath(roi, by)).join("")}
          stroke={by === "quality" ? "#111" : "var(--text)"}
          stroke-width={box.width / 600}
        />
      </svg>
      <p class="bar">
        {by === "shift" ? (
          <span class="key">
            {number(-reach, 2)}
            <svg viewBox="0 0 100 10" style={{ width: "8rem" }} aria-hidden="true">
              {Array.from({ length: 20 }, (_v, at) => (
                <rect key={at} x={at * 5} width={5.2} height={10} fill={divergingColour((at - 9.5) / 9.5)} />
              ))}
            </svg>
            {number(reach, 2)} px
          </span>
        ) : (
          <GradeKey />
        )}
      </p>
    </>
  );
}

/** Line shapes as they are written in text. */
const LINE_NAMES: Readonly<Record<string, string>> = {
  gaussian: "Gaussian",
  lorentzian: "Lorentzian",
  fano: "Fano",
  voigt: "Voigt",
};

function Detail({ roi, chip, choose }: { roi: RoiView; chip: ChipView; choose(label: string): void }) {
  const analysis = useAnalysis();
  const [profile, setProfile] = useState<ProfileView>();
  const [curves, setCurves] = useState<CurvesView>();
  const [message, setMessage] = useState("");
  const { label } = roi;
  useEffect(() => {
    const ending = new AbortController();
    const query = new URLSearchParams({ roi: label });
    const failed = (error: Error) => {
      if (!ending.signal.aborted) setMessage(error.message);
    };
    get<ProfileView>(analysis.of(`/api/profile?${query}`), ending.signal).then((seen) => {
      setProfile(seen);
      setMessage("");
    }, failed);
    query.set("columns", "300");
    get<CurvesView>(analysis.of(`/api/curves?${query}`), ending.signal).then(setCurves, failed);
    return () => ending.abort();
  }, [label, analysis.news, analysis.name, analysis.joined]);
  const curve = curves?.curves[0];
  const known = profile?.label === label ? profile : undefined;
  return (
    <section class="card">
      <h2>{label}</h2>
      <label class="wide">
        ROI
        <select value={label} onChange={(event) => choose(event.currentTarget.value)}>
          {chip.rois.map((one) => (
            <option key={one.label} value={one.label}>
              {one.label}
            </option>
          ))}
        </select>
      </label>
      <dl>
        <dt>position</dt>
        <dd>{withError(roi.position, roi.standardError)} px</dd>
        <dt>shift</dt>
        <dd>{withError(roi.shift, roi.shiftError)} px</dd>
        <dt>noise</dt>
        <dd>{withError(curve?.label === label ? curve.noise : null, curve?.noiseError)} px</dd>
        <dt>quality</dt>
        <dd>{number(roi.quality, 2)}</dd>
        {roi.line !== undefined && (
          <>
            <dt>line shape</dt>
            <dd>{roi.line === "auto" ? "not chosen yet" : (LINE_NAMES[roi.line] ?? roi.line)}</dd>
          </>
        )}
        <dt>flags</dt>
        <dd class={roi.flags.length > 0 ? "error" : ""}>{roi.flags.length === 0 ? "none" : roi.flags.join(", ")}</dd>
      </dl>
      <p class="quiet">{TWO_ERRORS}</p>
      {message !== "" && <p class="quiet">{message}</p>}
      {curve?.label === label && (
        <>
          <h3>Sensorgram</h3>
          <LineChart
            name={`Sensorgram of ${label}`}
            x={curve.times}
            lines={[{ values: curve.values, colour: "var(--accent)" }]}
            xLabel={`time, ${zoneName()}`}
            yLabel="shift, px"
            isTime
          />
        </>
      )}
      {known !== undefined && (
        <>
          <h3>Profile{known.fit !== undefined && ` with ${LINE_NAMES[known.line ?? ""] ?? known.line} fit`}</h3>
          <LineChart
            name={`Mean profile of ${label}`}
            x={known.profile.map((_v, at) => at)}
            lines={[
              { values: known.profile, colour: "var(--quiet)" },
              ...(known.fit === undefined ? [] : [{ values: known.fit, colour: "var(--accent)" }]),
            ]}
            mark={known.position ?? undefined}
            xLabel="px from the left edge of the ROI; dashed: measured position"
            yLabel="brightness, counts"
          />
        </>
      )}
    </section>
  );
}
