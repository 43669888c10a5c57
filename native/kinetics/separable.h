// Variable projection (Golub and Pereyra 1973): for given rates, the best maximum responses, offsets, drifts and bulk shifts are
// linear and are eliminated; what remains is the cost as a function of the rates, its gradient and the Gauss-Newton matrix.
#pragma once
#include <vector>

#include "kinetics/models.h"
#include "kinetics/problem.h"

namespace phorest::kinetics {

struct Evaluation {
  double cost = 0;
  /** Cost without any response of the model: offsets, drifts and bulk shifts only. */
  double nullCost = 0;
  double squares = 0;  // of the responses
  double descent[kMostRates] = {};                // −1/2 of the cost's derivative
  double normals[kMostRates * kMostRates] = {};   // 1/2 of its second derivative, in the Gauss-Newton approximation
  std::vector<double> linear;                     // maximum responses: [group][site]
};

class Separable {
 public:
  explicit Separable(const Problem& problem);

  /** `rmax`: a maximum response to keep fixed (one group and one site only), or nullptr. */
  const Evaluation& evaluate(const double* rates, const double* rmax = nullptr);

  const Problem& problem() const { return problem_; }

  /** After evaluate(): returns offset, drift and bulk shifts of a cycle, with `linear` as found; unused ones are 0. */
  std::vector<double> localsOf(int cycle) const;
  /** Computes the weighted columns of a cycle at the given rates. */
  void weightedColumns(int cycle, const double* rates, Columns& to) const;
  /** After evaluate(): locals times columns [local][column]. */
  const std::vector<double>& crossOf(int cycle) const { return cross_[cycle]; }
  /** After evaluate(): products of columns and response minus what locals explain, summed over the cycles of a group. */
  const double* productsOf(int group) const { return groups_.data() + static_cast<std::size_t>(group) * size_ * size_; }
  int size() const { return size_; }

 private:
  const double* reducedOf(int cycle) const { return reduced_.data() + static_cast<std::size_t>(cycle) * size_ * size_; }
  void reduce(int cycle, const double* rates);
  void join(const double* products, int group, const double* rmax);

  const Problem& problem_;
  Shape shape_;
  int size_;  // columns and the response
  Columns columns_;
  std::vector<std::vector<double>> cross_;
  std::vector<double> reduced_, groups_;  // by cycle, and summed over the cycles of a group
  Evaluation result_;
};

/** Solves L Lᵀ x = b in place, for a factor in the form of `Prepared`. */
void solveFactor(const std::vector<double>& factor, int n, double* b, int stride = 1);

}  // namespace phorest::kinetics
