#include "kinetics/models.h"

#include <cmath>

#include "kinetics/exponential.h"

namespace phorest::kinetics {
namespace {

/** e^(−rate (t − from)) of points [begin, end). */
void decay(const double* time, double from, double rate, int begin, int end, double* to) {
  double exponents[4], powers[4];
  for (int i = begin; i < end; i += 4) {
    const int count = end - i < 4 ? end - i : 4;
    for (int lane = 0; lane < 4; ++lane) exponents[lane] = lane < count ? -rate * (time[i + lane] - from) : 0.0;
    exponentials(exponents, powers);
    for (int lane = 0; lane < count; ++lane) to[i + lane] = powers[lane];
  }
}

/**
 * 1:1 binding (Langmuir): dR/dt = ka c (1 − R) − kd R, exactly, stretch by stretch:
 * R = r + (R0 − r) e^(−k t), k = ka c + kd, r = ka c / k.
 */
void oneToOne(const Cycle& cycle, double ka, double kd, double* response, double* byKa, double* byKd) {
  double start = 0, startByKa = 0, startByKd = 0;
  for (std::size_t at = 0; at < cycle.segments.size(); ++at) {
    const Segment& segment = cycle.segments[at];
    const double on = ka * segment.concentration, k = on + kd, r = on / k;
    const double rChange = r * kd / k;  // by ln ka; that by ln kd is its negative
    const double from = segment.from, distance = start - r;
    const double slopeKa = distance * on, slopeKd = distance * kd;
    const double keptKa = startByKa - rChange, keptKd = startByKd + rChange;
    double* e = response;
    decay(cycle.time, from, k, segment.begin, segment.end, e);
    for (int i = segment.begin; i < segment.end; ++i) {
      const double power = e[i], t = cycle.time[i] - from;
      byKa[i] = rChange + (keptKa - slopeKa * t) * power;
      byKd[i] = -rChange + (keptKd - slopeKd * t) * power;
      response[i] = r + distance * power;
    }
    if (at + 1 == cycle.segments.size()) break;
    const double t = cycle.segments[at + 1].from - from, power = std::exp(-k * t);
    startByKa = rChange + (keptKa - slopeKa * t) * power;
    startByKd = -rChange + (keptKd - slopeKd * t) * power;
    start = r + distance * power;
  }
}

/** e^x: a short series near 0, the range of nearly all steps between frames. */
double shortExponential(double x) {
  if (std::fabs(x) > 0.06) return std::exp(x);
  return 1 + x * (1 + x * (0.5 + x * (1.0 / 6 + x * (1.0 / 24 + x * (1.0 / 120 + x * (1.0 / 720 + x * (1.0 / 5040 + x / 40320)))))));
}

/**
 * Quasi-steady mass transport: dR/dt = (ka c (1 − R) − kd R) / (1 + m (1 − R)), m = ka Rmax / kt. With u = R − r and
 * B = 1 + m (1 − r), each stretch has the implicit solution B ln(u/u0) − m (u − u0) + k t = 0, which Newton's method solves from
 * frame to frame; derivatives follow from it.
 */
class Transport {
 public:
  Transport(double ka, double kd, double m) : ka_(ka), kd_(kd), m_(m) {}

  void run(const Cycle& cycle, double* response, double* byKa, double* byKd, double* byM) {
    for (std::size_t at = 0; at < cycle.segments.size(); ++at) {
      const Segment& segment = cycle.segments[at];
      enter(segment.concentration);
      double before = segment.from;
      for (int i = segment.begin; i < segment.end; ++i) {
        advance(cycle.time[i] - before);
        before = cycle.time[i];
        double derivative[3];
        response[i] = state(before - segment.from, derivative);
        byKa[i] = derivative[0];
        byKd[i] = derivative[1];
        byM[i] = derivative[2];
      }
      if (at + 1 == cycle.segments.size()) break;
      advance(cycle.segments[at + 1].from - before);
      start_ = state(cycle.segments[at + 1].from - segment.from, startBy_);
    }
  }

 private:
  void enter(double concentration) {
    on_ = ka_ * concentration;
    k_ = on_ + kd_;
    r_ = on_ / k_;
    b_ = 1 + m_ * (1 - r_);
    u0_ = u_ = start_ - r_;
    logRatio_ = 0;
    const double change = r_ * kd_ / k_;
    const double rBy[3] = {change, -change, 0};
    const double mBy[3] = {0, 0, m_};
    const double kBy[3] = {on_, kd_, 0};
    for (int p = 0; p < 3; ++p) {
      rBy_[p] = rBy[p];
      mBy_[p] = mBy[p];
      kBy_[p] = kBy[p];
      bBy_[p] = mBy[p] * (1 - r_) - m_ * rBy[p];
      u0By_[p] = startBy_[p] - rBy[p];
    }
  }

  void advance(double dt) {
    if (!(dt > 0)) return;
    const double held = b_ - m_ * u_;
    const double drop = k_ * dt;
    // Second order in time: u'/u = −k / (B − m u).
    double x = -drop / held;
    x *= 1 + 0.5 * m_ * u_ * x / held;
    if (u_ == 0 || m_ == 0) {
      logRatio_ += x;
      u_ *= std::exp(x);
      return;
    }
    if (x < -700) x = -700;
    for (int round = 0; round < 30; ++round) {
      const double grown = u_ * shortExponential(x);
      const double step = (b_ * x - m_ * (grown - u_) + drop) / (b_ - m_ * grown);
      x -= step;
      if (std::fabs(step) < 1e-8 * (1 + std::fabs(x))) break;
    }
    logRatio_ += x;
    u_ *= shortExponential(x);
  }

  /** Returns the response, and its derivatives, at t since the stretch began. */
  double state(double t, double* derivative) const {
    const double inverse = 1 / (b_ - m_ * u_), ratio = u0_ == 0 ? std::exp(logRatio_) : u_ / u0_;
    const double startShare = (b_ - m_ * u0_) * ratio;
    for (int p = 0; p < 3; ++p) {
      const double change = u_ * (-logRatio_ * bBy_[p] + mBy_[p] * (u_ - u0_) - kBy_[p] * t) + u0By_[p] * startShare;
      derivative[p] = change * inverse + rBy_[p];
    }
    return r_ + u_;
  }

  double ka_, kd_, m_, on_ = 0, k_ = 0, r_ = 0, b_ = 1, u0_ = 0, u_ = 0, logRatio_ = 0, start_ = 0;
  double startBy_[3] = {}, rBy_[3] = {}, mBy_[3] = {}, kBy_[3] = {}, bBy_[3] = {}, u0By_[3] = {};
};

void dissociation(const Cycle& cycle, double kd, double* response, double* byKd) {
  if (cycle.segments.empty()) return;
  const Segment& segment = cycle.segments.back();
  decay(cycle.time, segment.from, kd, segment.begin, segment.end, response);
  for (int i = segment.begin; i < segment.end; ++i) byKd[i] = -kd * (cycle.time[i] - segment.from) * response[i];
}

/** R = c^h / (KD^h + c^h). */
void steadyState(const Cycle& cycle, double logKd, double exponent, double* response, double* byKd, double* byExponent) {
  for (int i = 0; i < cycle.points; ++i) {
    const double c = cycle.time[i];
    const double distance = c > 0 ? std::log(c) - logKd : -1e9;
    const double value = 1 / (1 + std::exp(-exponent * distance)), slope = c > 0 ? value * (1 - value) * exponent : 0;
    response[i] = value;
    byKd[i] = -slope;
    if (byExponent != nullptr) byExponent[i] = slope * distance;
  }
}

}  // namespace

void fillColumns(const Problem& problem, const Cycle& cycle, const double* rates, Columns& to) {
  const Shape shape = shapeOf(problem.model);
  if (to.stride < cycle.points || to.values.size() < static_cast<std::size_t>(shape.columns()) * to.stride) {
    to.stride = cycle.points;
    to.values.assign(static_cast<std::size_t>(shape.columns()) * to.stride, 0.0);
  }
  switch (problem.model) {
    case Model::oneToOne:
      oneToOne(cycle, std::exp(rates[0]), std::exp(rates[1]), to.at(0), to.at(1), to.at(2));
      break;
    case Model::massTransport:
      Transport(std::exp(rates[0]), std::exp(rates[1]), std::exp(rates[2])).run(cycle, to.at(0), to.at(1), to.at(2), to.at(3));
      break;
    case Model::twoSite:
      oneToOne(cycle, std::exp(rates[0]), std::exp(rates[1]), to.at(0), to.at(1), to.at(2));
      oneToOne(cycle, std::exp(rates[2]), std::exp(rates[3]), to.at(3), to.at(4), to.at(5));
      break;
    case Model::dissociation:
      dissociation(cycle, std::exp(rates[0]), to.at(0), to.at(1));
      break;
    case Model::steadyState:
      steadyState(cycle, rates[0], 1, to.at(0), to.at(1), nullptr);
      break;
    case Model::hill:
      steadyState(cycle, rates[0], std::exp(rates[1]), to.at(0), to.at(1), to.at(2));
      break;
  }
}

}  // namespace phorest::kinetics
