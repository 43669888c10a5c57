// Random sensorgrams for the fits of kinetics, from sensible to absurd: every model, empty and tiny cycles, repeated points, huge
// numbers, shared blanks.
#pragma once
#include <cmath>
#include <limits>
#include <vector>

#include "kinetics/kinetics.h"

/** Fits one random problem; returns false if the fit has another number of points than the curves. */
template <typename Random>
bool fitRandomKinetics(Random& random) {
  namespace kinetics = phorest::kinetics;
  const int cycles = 1 + random.below(5), kind = random.below(6);
  const bool isShared = random.chance(0.3), isWeighted = random.chance(0.4);
  const double size = std::pow(10.0, random.below(40) - 20), molar = std::pow(10.0, -random.below(16));
  const int frames = 1 + random.below(60);
  std::vector<std::vector<double>> times, responses, weights, places, parts;
  kinetics::Problem problem;
  problem.model = static_cast<kinetics::Model>(random.below(kinetics::kModels));
  if (isShared) problem.sharedStart = {0, frames / 2, frames};
  int points = 0;
  for (int c = 0; c < cycles; ++c) {
    const int count = random.chance(0.1) ? random.below(3) : random.below(120);
    std::vector<double> time, response, weight, place, part;
    double now = random.chance(0.5) ? -20 : 0;
    for (int i = 0; i < count; ++i) {
      now += random.chance(0.05) ? 0 : 5 * random.unit();
      const double rise = now < 0 ? 0 : now < 150 ? 1 - std::exp(-now / 40) : std::exp(-(now - 150) / 90);
      double value = size * (rise + 0.05 * (random.unit() - 0.5));
      if (kind == 1) value = 0;
      if (kind == 2) value = size;
      if (kind == 3) value = random.chance(0.1) ? 1e90 : value;
      if (kind == 4) value = size * (random.unit() - 0.5);
      time.push_back(now);
      response.push_back(value);
      weight.push_back(std::pow(10.0, random.below(kind == 5 ? 40 : 3) - 1));
      place.push_back(random.chance(0.1) ? std::numeric_limits<double>::quiet_NaN() : random.unit() * (frames - 1));
      part.push_back(random.unit());
    }
    points += count;
    times.push_back(time);
    responses.push_back(response);
    weights.push_back(weight);
    places.push_back(place);
    parts.push_back(part);
  }
  for (int c = 0; c < cycles; ++c) {
    kinetics::Cycle cycle;
    cycle.points = static_cast<int>(times[c].size());
    cycle.time = times[c].data();
    cycle.response = responses[c].data();
    if (isWeighted) cycle.weight = weights[c].data();
    if (isShared) {
      cycle.sharedAt = places[c].data();
      cycle.sharedPart = parts[c].data();
    }
    double from = 0;
    for (int s = random.below(6); s > 0; --s) {
      kinetics::Segment segment;
      segment.from = from;
      segment.concentration = s % 2 == 0 ? molar * random.unit() : 0;
      segment.hasBulk = random.chance(0.3);
      cycle.segments.push_back(segment);
      from += random.chance(0.1) ? 0 : 150 * random.unit();
    }
    cycle.offset = random.chance(0.5);
    cycle.drift = random.chance(0.5);
    const int before = problem.group.empty() ? 0 : problem.group.back();
    problem.group.push_back(c > 0 && random.chance(0.3) ? before + 1 : before);
    problem.cycles.push_back(cycle);
  }
  kinetics::prepare(problem);
  const kinetics::Fit fit = kinetics::fit(problem, random.chance(0.5));
  return fit.points == points && static_cast<int>(fit.fitted.size()) == points;
}
