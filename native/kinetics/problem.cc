#include "kinetics/problem.h"

#include <algorithm>
#include <cmath>

namespace phorest::kinetics {
namespace {

/** If a smaller fraction than this of a local is independent of the others, it cannot be distinguished from them. */
constexpr double kAlike = 1e-9;

void placePoints(Cycle& cycle) {
  int at = 0;
  for (std::size_t i = 0; i < cycle.segments.size(); ++i) {
    Segment& segment = cycle.segments[i];
    while (at < cycle.points && cycle.time[at] < segment.from) ++at;
    segment.begin = at;
    if (i > 0) cycle.segments[i - 1].end = at;
  }
  if (!cycle.segments.empty()) cycle.segments.back().end = cycle.points;
}

/** Computes the normal matrix of the locals: offset, drift, bulk shifts in the order of the segments. */
std::vector<double> localNormals(const Cycle& cycle, Prepared& to) {
  const int n = to.locals, drift = cycle.offset ? 1 : 0;
  std::vector<double> normals(static_cast<std::size_t>(n) * n, 0.0);
  to.localResponse.assign(n, 0.0);
  const auto add = [&](int row, const double* a, int begin, int end) {
    for (int i = begin; i < end; ++i) {
      to.localResponse[row] += a[i] * to.scaled[i];
      if (cycle.offset) normals[row * n] += a[i] * to.root[i];
      if (cycle.drift && row >= drift) normals[row * n + drift] += a[i] * to.rootTime[i];
    }
  };
  if (cycle.offset) add(0, to.root.data(), 0, cycle.points);
  if (cycle.drift) add(drift, to.rootTime.data(), 0, cycle.points);
  for (const Segment& segment : cycle.segments) {
    if (segment.bulk < 0) continue;
    add(segment.bulk, to.root.data(), segment.begin, segment.end);
    for (int i = segment.begin; i < segment.end; ++i) normals[segment.bulk * n + segment.bulk] += to.root[i] * to.root[i];
  }
  return normals;
}

/** Computes the Cholesky factor, with a row of zeros for a local that others explain. Returns the number in use. */
int factorise(std::vector<double>& a, int n) {
  int used = 0;
  for (int i = 0; i < n; ++i) {
    const double own = a[i * n + i];
    for (int j = 0; j <= i; ++j) {
      double sum = a[i * n + j];
      for (int k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      if (i == j) {
        const bool isOwn = sum > kAlike * own && own > 0;
        a[i * n + i] = isOwn ? std::sqrt(sum) : 0.0;
        used += isOwn ? 1 : 0;
        if (!isOwn) std::fill(a.begin() + i * n, a.begin() + i * n + i, 0.0);
      } else {
        a[i * n + j] = a[j * n + j] > 0 ? sum / a[j * n + j] : 0.0;
      }
    }
  }
  return used;
}

Prepared preparedOf(Cycle& cycle, int& used) {
  Prepared to;
  const int n = cycle.points;
  to.root.resize(n);
  to.rootTime.resize(n);
  to.scaled.resize(n);
  if (n > 0) {
    to.middle = 0.5 * (cycle.time[0] + cycle.time[n - 1]);
    to.half = std::max(0.5 * (cycle.time[n - 1] - cycle.time[0]), 1e-300);
  }
  for (int i = 0; i < n; ++i) {
    to.root[i] = cycle.weight == nullptr ? 1.0 : std::sqrt(cycle.weight[i]);
    to.rootTime[i] = to.root[i] * (cycle.time[i] - to.middle) / to.half;
    to.scaled[i] = to.root[i] * cycle.response[i];
    to.squares += to.scaled[i] * to.scaled[i];
  }
  to.locals = (cycle.offset ? 1 : 0) + (cycle.drift ? 1 : 0);
  for (Segment& segment : cycle.segments) segment.bulk = segment.hasBulk && segment.end > segment.begin ? to.locals++ : -1;
  to.factor = localNormals(cycle, to);
  used = factorise(to.factor, to.locals);
  return to;
}

double medianStep(const Problem& problem) {
  std::vector<double> steps;
  for (const Cycle& cycle : problem.cycles) {
    for (int i = 1; i < cycle.points; ++i) {
      const double step = cycle.time[i] - cycle.time[i - 1];
      if (step > 0) steps.push_back(step);
    }
  }
  if (steps.empty()) return 1;
  std::nth_element(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2), steps.end());
  return steps[steps.size() / 2];
}

}  // namespace

void prepare(Problem& problem) {
  problem.prepared.clear();
  problem.points = 0;
  problem.span = 0;
  problem.least = problem.most = 0;
  problem.parameters = shapeOf(problem.model).rates() + shapeOf(problem.model).sites * problem.groups();
  for (Cycle& cycle : problem.cycles) {
    placePoints(cycle);
    int used = 0;
    problem.prepared.push_back(preparedOf(cycle, used));
    problem.parameters += used;
    problem.points += cycle.points;
    if (cycle.points > 0) problem.span = std::max(problem.span, cycle.time[cycle.points - 1] - cycle.time[0]);
    const auto see = [&](double concentration) {
      if (!(concentration > 0)) return;
      problem.most = std::max(problem.most, concentration);
      problem.least = problem.least > 0 ? std::min(problem.least, concentration) : concentration;
    };
    for (const Segment& segment : cycle.segments) see(segment.concentration);
    if (problem.model == Model::steadyState || problem.model == Model::hill) {
      for (int i = 0; i < cycle.points; ++i) see(cycle.time[i]);
    }
  }
  problem.step = medianStep(problem);
}

Thinned::Thinned(const Problem& full, int bins) : problem_(full) {
  // In a steady state, the times are concentrations.
  const bool isOfTimes = full.model != Model::steadyState && full.model != Model::hill;
  for (std::size_t at = 0; at < full.cycles.size(); ++at) {
    const Cycle& cycle = full.cycles[at];
    const double* root = full.prepared[at].root.data();
    std::vector<double> time, response, weight;
    const auto addBin = [&](int from, int to) {
      double w = 0, t = 0, y = 0;
      for (int i = from; i < to; ++i) {
        const double own = root[i] * root[i];
        w += own;
        t += own * cycle.time[i];
        y += own * cycle.response[i];
      }
      if (!(w > 0)) return;
      time.push_back(t / w);
      response.push_back(y / w);
      weight.push_back(w);
    };
    const auto addStretch = [&](double from, int begin, int end) {
      for (int first = begin; first < end;) {
        const double until = cycle.time[first] + (cycle.time[first] - from) * 3.0 / bins;
        int last = first + 1;
        while (isOfTimes && last < end && cycle.time[last] < until) ++last;
        addBin(first, last);
        first = last;
      }
    };
    const int first = cycle.segments.empty() ? cycle.points : cycle.segments.front().begin;
    if (first > 0) addStretch(cycle.time[0], 0, first);
    for (const Segment& segment : cycle.segments) addStretch(segment.from, segment.begin, segment.end);
    times_.push_back(std::move(time));
    responses_.push_back(std::move(response));
    weights_.push_back(std::move(weight));
    problem_.cycles[at].time = times_.back().data();
    problem_.cycles[at].response = responses_.back().data();
    problem_.cycles[at].weight = weights_.back().data();
    problem_.cycles[at].points = static_cast<int>(times_.back().size());
    problem_.cycles[at].sharedAt = problem_.cycles[at].sharedPart = nullptr;
  }
  const double step = full.step;
  prepare(problem_);
  problem_.step = step;
}

}  // namespace phorest::kinetics
