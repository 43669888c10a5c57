// The buttons that zoom a plot in time, for those who do not use the wheel or the keys.
import { ZOOM } from "./curve-plot.tsx";

interface Props {
  /** Makes the shown time longer by this factor; below 1 shorter. */
  zoom(factor: number): void;
  /** Whether only a part of the time is shown. */
  readonly isZoomed: boolean;
  showAll(): void;
}

export function ZoomButtons({ zoom, isZoomed, showAll }: Props) {
  return (
    <>
      <button type="button" aria-label="Zoom in" onClick={() => zoom(1 / ZOOM)}>
        +
      </button>
      <button type="button" aria-label="Zoom out" onClick={() => zoom(ZOOM)}>
        −
      </button>
      <button type="button" onClick={showAll} disabled={!isZoomed}>
        Show all
      </button>
    </>
  );
}
