// Length of the hypotenuse for errors, which are neither huge nor tiny. std::hypot would guard against overflow, but compiled on
// a new system it would need that system's glibc (hypot is new in 2.35), which older systems do not have.
#pragma once
#include <cmath>

namespace phorest {

/** Returns the error of a sum of two independent quantities with the errors `a` and `b`. */
inline double rootOfSquares(double a, double b) { return std::sqrt(a * a + b * b); }

}  // namespace phorest
