// Converts the columns of the method fano to the form that the established system reports.

import { QUANTITIES } from "../measurement/method.ts";
import { FANO_FORM } from "./kernel-answer.ts";

const COLUMNS = QUANTITIES.fano.length;

/**
 * Converts columns of `fano` ([row][quantity], canonical) to the established form; `forms`: FANO_FORM of each row. The curve,
 * its resonance and the error do not change. Rows without a line stay NaN.
 */
export function establishedColumns(columns: Float64Array, forms: Uint8Array): Float64Array {
  const changed = columns.slice();
  forms.forEach((form, row) => {
    const at = row * COLUMNS;
    const own = (column: number) => columns[at + column] as number;
    const [amplitude, q, gamma, offset] = [own(0), own(1), own(3), own(4)];
    if ((form & FANO_FORM.exchanged) !== 0) {
      changed[at] = -amplitude * q * q;
      changed[at + 1] = -1 / q;
      changed[at + 4] = offset + amplitude * (1 + q * q);
    }
    if ((form & FANO_FORM.negativeGamma) !== 0) {
      changed[at + 1] = -(changed[at + 1] as number);
      changed[at + 3] = -gamma;
    }
  });
  return changed;
}
