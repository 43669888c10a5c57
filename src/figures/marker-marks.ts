// Draws markers: a dashed line over the whole height, with its text at the upper end if there is space.
import type { Mark } from "vega";
import { INK } from "./figure-style.ts";
import { type PlacedMarker, placeMarkers } from "./marker-places.ts";
import type { PlotMarker } from "./plot-input.ts";
import type { Limits } from "./trace.ts";

const DASH = [4, 3];
const FONT_SIZE = 10;
const CHARACTER_PX = 5.8;
const LONGEST_PX = 170;
const HALO = "#ffffff";

/** Returns the placed markers within `span`, on a drawing of `width` px. */
export function placedMarkers(markers: readonly PlotMarker[], span: Limits, width: number): PlacedMarker[] {
  return placeMarkers(markers, span, width, { characterPx: CHARACTER_PX, longestPx: LONGEST_PX });
}

/** Returns layers for Vega-Lite; `x` is the encoding of the time axis, field `t`. */
export function markerLayers(markers: readonly PlacedMarker[], x: object, texts = true): object[] {
  if (markers.length === 0) return [];
  const data = { values: markers };
  const rules = { data, mark: { type: "rule", color: INK, strokeDash: DASH, opacity: 0.7 }, encoding: { x } };
  if (!texts) return [rules];
  const look = { baseline: "middle", fontSize: FONT_SIZE, color: INK, limit: LONGEST_PX };
  const y = { field: "y", type: "quantitative", scale: null, axis: null };
  const words = ([left, right]: [boolean, object]) => {
    const values = markers.filter((marker) => marker.left === left && marker.text !== "");
    const encoding = { x, y, text: { field: "text" } };
    return values.length === 0 ? [] : [{ data: { values }, mark: { type: "text", ...look, ...right }, encoding }];
  };
  return [rules, ...words([false, { align: "left", dx: 4 }]), ...words([true, { align: "right", dx: -4 }])];
}

/** Returns the same as marks of a Vega group that is `height` px high and has a scale `x`; readable on any background. */
export function markerMarks(markers: readonly PlacedMarker[], height: number, texts = true): Mark[] {
  return markers.flatMap(({ t, text, y, left }): Mark[] => {
    const x = { scale: "x", value: t };
    const rule = (stroke: string, width: number, dash: readonly number[]): Mark => ({
      type: "rule",
      encode: {
        enter: {
          ...{ x, y: { value: 0 }, y2: { value: height }, stroke: { value: stroke } },
          ...{ strokeWidth: { value: width }, strokeDash: { value: [...dash] }, opacity: { value: 0.7 } },
        },
      },
    });
    const words = (look: object): Mark => ({
      type: "text",
      encode: {
        enter: {
          ...{ x, dx: { value: left ? -4 : 4 }, align: { value: left ? "right" : "left" }, y: { value: y } },
          ...{ text: { value: text }, limit: { value: LONGEST_PX }, baseline: { value: "middle" } },
          ...{ fontSize: { value: FONT_SIZE }, ...look },
        },
      },
    });
    const halo = { stroke: { value: HALO }, strokeWidth: { value: 3 }, opacity: { value: 0.8 } };
    const drawn = texts && text !== "" ? [words(halo), words({ fill: { value: INK } })] : [];
    return [rule(HALO, 3, [1, 0]), rule(INK, 1, DASH), ...drawn];
  });
}
