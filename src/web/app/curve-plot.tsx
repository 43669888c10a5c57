// The plot as a component: built once, then updated with new content.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { CurvePlot } from "./plot.ts";

const STEP_PX = 10;
/** Zoom factor per key press or click. */
export const ZOOM = 1.5;

export function Plot({
  host,
  content,
  events,
  zoom,
  step = () => undefined,
}: {
  host: { current: HTMLDivElement | null };
  content: ConstructorParameters<typeof CurvePlot>[1];
  events: ConstructorParameters<typeof CurvePlot>[2];
  /** Multiplies the shown time range by `factor`. */
  zoom(factor: number): void;
  /** Highlights the next (1) or previous (-1) curve. */
  step?(by: number): void;
}) {
  const plot = useRef<CurvePlot>();
  const latest = useRef(events);
  latest.current = events;
  const zoomBy = useRef(zoom);
  zoomBy.current = zoom;
  const stepBy = useRef(step);
  stepBy.current = step;
  const shown = useRef(content);
  shown.current = content;
  useEffect(() => {
    const made = new CurvePlot(host.current as HTMLDivElement, content, {
      ranged: (from, to) => latest.current.ranged(from, to),
      clicked: (at) => latest.current.clicked(at),
      pointed: (at, values) => latest.current.pointed(at, values),
      near: (label) => latest.current.near(label),
      reset: () => latest.current.reset(),
      placed: (box) => latest.current.placed?.(box),
    });
    plot.current = made;
    const resized = new ResizeObserver(() => made.resize());
    resized.observe(host.current as HTMLDivElement);
    const coloured = () => made.show(shown.current);
    addEventListener("themechange", coloured);
    const keys: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => made.move(-STEP_PX),
      ArrowRight: () => made.move(STEP_PX),
      ArrowUp: () => stepBy.current(-1),
      ArrowDown: () => stepBy.current(1),
      Enter: () => made.choose(),
      "+": () => zoomBy.current(1 / ZOOM),
      "-": () => zoomBy.current(ZOOM),
      "0": () => latest.current.reset(),
    };
    const pressed = (event: KeyboardEvent) => {
      const act = keys[event.key];
      if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    };
    host.current?.addEventListener("keydown", pressed);
    return () => {
      removeEventListener("themechange", coloured);
      host.current?.removeEventListener("keydown", pressed);
      resized.disconnect();
      made.close();
    };
  }, []);
  // A layout effect updates the plot together with the page, not one screen frame later.
  useLayoutEffect(
    () => plot.current?.show(content),
    [content.view, content.markers, content.unit, content.from, content.to, content.limits?.[0], content.limits?.[1]],
  );
  useLayoutEffect(() => plot.current?.restyle(content), [content.hidden, content.highlighted, content.injections]);
  return null;
}
