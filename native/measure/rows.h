// The two measures that need no fit: the brightest pixel, and the centre of the part that stands out of a row.
#pragma once
#include "fit/fit.h"

namespace phorest {

/**
 * Finds the index of the first maximum. Its standard error is that of a uniform distribution over the samples that noise could
 * have made the maximum: those within two noise widths of it.
 */
void findMaxima(const FitRows& rows, const FitOutputs& outputs);

/**
 * Finds the centre of mass, counted from 1, of the values at or above mean + 3 standard deviations. Its standard error is the
 * noise of one sample propagated through that sum.
 */
void findCentres(const FitRows& rows, const FitOutputs& outputs);

}  // namespace phorest
