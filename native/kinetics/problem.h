// Sensorgrams to fit, and everything about them that does not depend on the rates: which points belong to which stretch of
// constant concentration, the sums over the points, and the part of them that offsets, drifts and bulk shifts explain.
#pragma once
#include <cstddef>
#include <vector>

namespace phorest::kinetics {

/** The models; the order is that of MODELS in src/assay/kinetics/models.ts. */
enum class Model { oneToOne, massTransport, twoSite, dissociation, steadyState, hill };
constexpr int kModels = 6;

constexpr int kMostSites = 2;
/** Largest number of rate logarithms in a model. */
constexpr int kMostRates = 4;
/** Largest number of columns per point: each site's response and its derivatives. */
constexpr int kMostColumns = 6;

struct Shape {
  int sites;
  /** Number of rate logarithms that a site's response depends on. */
  int perSite;
  int rates() const { return sites * perSite; }
  int columns() const { return sites * (1 + perSite); }
};

inline Shape shapeOf(Model model) {
  switch (model) {
    case Model::oneToOne: return {1, 2};
    case Model::massTransport: return {1, 3};
    case Model::twoSite: return {2, 2};
    case Model::dissociation: return {1, 1};
    case Model::steadyState: return {1, 1};
    case Model::hill: return {1, 2};
  }
  return {1, 2};
}

inline bool hasAssociation(Model model) {
  return model == Model::oneToOne || model == Model::massTransport || model == Model::twoSite;
}

/** A stretch of constant concentration. Before the first one of a cycle, nothing is bound. */
struct Segment {
  double from = 0;           // s
  double concentration = 0;  // M; in a dissociation without association 0
  bool hasBulk = false;
  /** Points [begin, end) of the cycle, and the column of its bulk shift or −1. */
  int begin = 0, end = 0, bulk = -1;
};

/** One sensorgram: points in order of time. In a steady state `time` is the concentration in M. */
struct Cycle {
  const double* time = nullptr;
  const double* response = nullptr;
  /** 1/variance of each point, or nullptr for equal ones. */
  const double* weight = nullptr;
  int points = 0;
  /** Noise that a point has from a frame of a subtracted curve: see Problem::sharedStart. nullptr: none. */
  const double* sharedAt = nullptr;
  const double* sharedPart = nullptr;
  std::vector<Segment> segments;
  bool offset = false, drift = false;
};

/** Sums over a cycle's points that do not depend on the response of a model. */
struct Prepared {
  std::vector<double> root, rootTime, scaled;  // root of the weight; times drift's time; times response
  double middle = 0, half = 1;                 // of the drift's time, s
  int locals = 0;                              // offset, drift, bulk shifts in use
  /** Lower triangle of the Cholesky factor of the locals' normal matrix, and which locals are in use. */
  std::vector<double> factor;
  std::vector<double> localResponse;  // locals times response
  double squares = 0;                 // of the scaled response
};

struct Problem {
  Model model = Model::oneToOne;
  std::vector<Cycle> cycles;
  std::vector<Prepared> prepared;
  /** Cycles with the same number, which are adjacent, have a common maximum response; numbers start at 0. */
  std::vector<int> group;
  /**
   * Frames of the subtracted curves (blanks), one curve after the other, each from sharedStart[k] to sharedStart[k + 1]. A point
   * has the noise of the two frames around `sharedAt`, linearly interpolated, times `sharedPart`, the frame's standard error over
   * that of the point. NaN: none.
   */
  std::vector<int> sharedStart;
  int points = 0, parameters = 0;
  double span = 0, step = 0, least = 0, most = 0;  // s, s, M, M: longest cycle, usual step, concentrations
  int groups() const { return group.empty() ? 0 : group.back() + 1; }
  bool isRmaxGlobal() const { return groups() == 1; }
};

/** Fills `prepared` and the other numbers of a problem whose cycles are given. */
void prepare(Problem& problem);

/** The problem with points averaged in bins that widen with the time since the last switch: at most `bins` for each stretch. */
class Thinned {
 public:
  Thinned(const Problem& full, int bins);
  const Problem& problem() const { return problem_; }

 private:
  Problem problem_;
  std::vector<std::vector<double>> times_, responses_, weights_;
};

}  // namespace phorest::kinetics
