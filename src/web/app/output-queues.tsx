// The number of frames that wait for each output, as rows of a list of facts.
import { Fragment } from "preact";
import type { StateView } from "../views.ts";

export function OutputQueues({ outputs }: Pick<StateView, "outputs">) {
  return (
    <>
      {outputs.map(({ name, waiting }) => (
        <Fragment key={name}>
          <dt>waiting for {name}</dt>
          <dd>{waiting}</dd>
        </Fragment>
      ))}
    </>
  );
}
