// The plot as a component: made once, then given whatever is new.
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { CurvePlot } from "./plot.ts";

export function Plot({
  host,
  content,
  events,
}: {
  host: { current: HTMLDivElement | null };
  content: ConstructorParameters<typeof CurvePlot>[1];
  events: ConstructorParameters<typeof CurvePlot>[2];
}) {
  const plot = useRef<CurvePlot>();
  const latest = useRef(events);
  latest.current = events;
  const shown = useRef(content);
  shown.current = content;
  useEffect(() => {
    const made = new CurvePlot(host.current as HTMLDivElement, content, {
      ranged: (from, to) => latest.current.ranged(from, to),
      clicked: (at) => latest.current.clicked(at),
      pointed: (at, values) => latest.current.pointed(at, values),
      reset: () => latest.current.reset(),
    });
    plot.current = made;
    const resized = new ResizeObserver(() => made.resize());
    resized.observe(host.current as HTMLDivElement);
    const coloured = () => made.show(shown.current);
    addEventListener("themechange", coloured);
    return () => {
      removeEventListener("themechange", coloured);
      resized.disconnect();
      made.close();
    };
  }, []);
  // With the page's own change, not a frame of the screen later.
  useLayoutEffect(
    () => plot.current?.show(content),
    [content.view, content.markers, content.unit, content.from, content.to],
  );
  return null;
}
