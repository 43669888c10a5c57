// What the colours and marks of ROIs mean.
import { GRADES } from "./colours.ts";

/** Shows the grades as they are drawn: filled with a mark, or with `outline` as dashed boxes over the image. */
export function GradeKey({ outline = false }: { readonly outline?: boolean }) {
  return (
    <>
      {Object.values(GRADES).map(({ colour, dash, mark, words }) => (
        <span class="key" key={words}>
          {outline ? (
            <svg viewBox="0 0 24 14" class="line" aria-hidden="true">
              <rect
                x="1"
                y="1"
                width="22"
                height="12"
                fill="none"
                stroke={colour}
                stroke-width="2"
                stroke-dasharray={dash.join(" ")}
              />
            </svg>
          ) : (
            <svg viewBox="0 0 10 10" aria-hidden="true">
              <rect width="10" height="10" fill={colour} />
              <path d={mark} stroke="#111" stroke-width="1.4" fill="none" />
            </svg>
          )}
          {words}
        </span>
      ))}
    </>
  );
}
