#include "kinetics/separable.h"

#include <algorithm>
#include <cmath>

#include "kinetics/products.h"

namespace phorest::kinetics {
namespace {

/** A site's response that others explain up to this fraction has no determined size. */
constexpr double kAlike = 1e-13;

void addStretch(int columns, const Columns& from, const Prepared& prepared, int begin, int end, double* to) {
  const double* list[kMostColumns];
  for (int c = 0; c < columns; ++c) list[c] = from.at(c);
  const double *y = prepared.scaled.data(), *root = prepared.root.data(), *time = prepared.rootTime.data();
  switch (columns) {
    case 2: return addProducts<2>(list, y, root, time, begin, end, to);
    case 3: return addProducts<3>(list, y, root, time, begin, end, to);
    case 4: return addProducts<4>(list, y, root, time, begin, end, to);
    default: return addProducts<6>(list, y, root, time, begin, end, to);
  }
}

}  // namespace

void solveFactor(const std::vector<double>& factor, int n, double* b, int stride) {
  for (int i = 0; i < n; ++i) {
    double sum = b[i * stride];
    for (int k = 0; k < i; ++k) sum -= factor[i * n + k] * b[k * stride];
    b[i * stride] = factor[i * n + i] > 0 ? sum / factor[i * n + i] : 0.0;
  }
  for (int i = n - 1; i >= 0; --i) {
    double sum = b[i * stride];
    for (int k = i + 1; k < n; ++k) sum -= factor[k * n + i] * b[k * stride];
    b[i * stride] = factor[i * n + i] > 0 ? sum / factor[i * n + i] : 0.0;
  }
}

Separable::Separable(const Problem& problem)
    : problem_(problem), shape_(shapeOf(problem.model)), size_(shape_.columns() + 1), cross_(problem.cycles.size()),
      reduced_(problem.cycles.size() * size_ * size_) {
  int most = 0;
  for (const Cycle& cycle : problem.cycles) most = std::max(most, cycle.points);
  columns_.stride = most;
  columns_.values.assign(static_cast<std::size_t>(shape_.columns()) * most, 0.0);
}

void Separable::weightedColumns(int at, const double* rates, Columns& to) const {
  const Cycle& cycle = problem_.cycles[at];
  fillColumns(problem_, cycle, rates, to);
  if (cycle.weight == nullptr || cycle.segments.empty()) return;
  const double* root = problem_.prepared[at].root.data();
  for (int c = 0; c < shape_.columns(); ++c) {
    double* column = to.at(c);
    for (int i = cycle.segments.front().begin; i < cycle.points; ++i) column[i] *= root[i];
  }
}

/** Computes the products of a cycle's columns and response, minus what offset, drift and bulk shifts explain. */
void Separable::reduce(int at, const double* rates) {
  const Cycle& cycle = problem_.cycles[at];
  const Prepared& prepared = problem_.prepared[at];
  const int columns = shape_.columns(), across = columns + 3, locals = prepared.locals;
  const int drift = cycle.offset ? 1 : 0;
  weightedColumns(at, rates, columns_);
  double total[kMostColumns * (kMostColumns + 3)] = {};
  std::vector<double>& cross = cross_[at];
  cross.assign(static_cast<std::size_t>(std::max(locals, 1)) * size_, 0.0);
  for (const Segment& segment : cycle.segments) {
    double own[kMostColumns * (kMostColumns + 3)] = {};
    if (segment.end > segment.begin) addStretch(columns, columns_, prepared, segment.begin, segment.end, own);
    for (int i = 0; i < columns * across; ++i) total[i] += own[i];
    if (segment.bulk < 0) continue;
    for (int c = 0; c < columns; ++c) cross[segment.bulk * size_ + c] = own[c * across + columns + 1];
  }
  for (int c = 0; c < columns; ++c) {
    if (cycle.offset) cross[c] = total[c * across + columns + 1];
    if (cycle.drift) cross[drift * size_ + c] = total[c * across + columns + 2];
  }
  for (int l = 0; l < locals; ++l) cross[l * size_ + columns] = prepared.localResponse[l];
  // L⁻¹ times the cross products: their products are what the locals explain.
  std::vector<double> half(cross);
  for (int c = 0; c < size_; ++c) {
    for (int i = 0; i < locals; ++i) {
      double sum = half[i * size_ + c];
      for (int k = 0; k < i; ++k) sum -= prepared.factor[i * locals + k] * half[k * size_ + c];
      const double pivot = prepared.factor[i * locals + i];
      half[i * size_ + c] = pivot > 0 ? sum / pivot : 0.0;
    }
  }
  double* to = reduced_.data() + static_cast<std::size_t>(at) * size_ * size_;
  for (int a = 0; a < size_; ++a) {
    for (int b = a; b < size_; ++b) {
      double sum = a == columns ? prepared.squares : total[a * across + b];
      for (int l = 0; l < locals; ++l) sum -= half[l * size_ + a] * half[l * size_ + b];
      to[a * size_ + b] = to[b * size_ + a] = sum;
    }
  }
}

/** Adds a group of cycles with common maximum responses, from the sum of their products. */
void Separable::join(const double* g, int group, const double* rmax) {
  const int sites = shape_.sites, per = shape_.perSite, y = size_ - 1;
  const auto column = [per](int site) { return site * (1 + per); };
  double size[kMostSites] = {}, a[kMostSites][kMostSites] = {};
  for (int s = 0; s < sites; ++s) {
    for (int q = 0; q < sites; ++q) a[s][q] = g[column(s) * size_ + column(q)];
  }
  const double determinant = sites == 1 ? a[0][0] : a[0][0] * a[1][1] - a[0][1] * a[0][1];
  const bool isSingular = sites == 1 ? !(a[0][0] > 0) : !(determinant > kAlike * a[0][0] * a[1][1]);
  const auto solve = [&](const double* b, double* to) {
    if (sites == 1) {
      to[0] = isSingular ? 0.0 : b[0] / a[0][0];
    } else if (isSingular) {
      to[0] = a[0][0] > 0 ? b[0] / a[0][0] : 0.0;
      to[1] = 0;
    } else {
      to[0] = (a[1][1] * b[0] - a[0][1] * b[1]) / determinant;
      to[1] = (a[0][0] * b[1] - a[0][1] * b[0]) / determinant;
    }
  };
  double response[kMostSites] = {};
  for (int s = 0; s < sites; ++s) response[s] = g[column(s) * size_ + y];
  if (rmax != nullptr) {
    size[0] = *rmax;
  } else {
    solve(response, size);
  }
  double explained = 0;
  for (int s = 0; s < sites; ++s) {
    double fitted = 0;
    for (int q = 0; q < sites; ++q) fitted += a[s][q] * size[q];
    explained += size[s] * (2 * response[s] - fitted);
    result_.linear[group * sites + s] = size[s];
  }
  result_.nullCost += g[y * size_ + y];
  result_.cost += g[y * size_ + y] - explained;
  const int rates = shape_.rates();
  const auto derivative = [&](int p) { return column(p / per) + 1 + p % per; };
  double projected[kMostRates][kMostSites] = {};
  for (int p = 0; p < rates && rmax == nullptr; ++p) {
    double b[kMostSites] = {};
    for (int s = 0; s < sites; ++s) b[s] = g[derivative(p) * size_ + column(s)];
    solve(b, projected[p]);
  }
  for (int p = 0; p < rates; ++p) {
    const int d = derivative(p);
    double residual = g[d * size_ + y];
    for (int s = 0; s < sites; ++s) residual -= g[d * size_ + column(s)] * size[s];
    result_.descent[p] += size[p / per] * residual;
    for (int q = 0; q < rates; ++q) {
      double product = g[d * size_ + derivative(q)];
      for (int s = 0; s < sites; ++s) product -= projected[p][s] * g[derivative(q) * size_ + column(s)];
      result_.normals[p * rates + q] += size[p / per] * size[q / per] * product;
    }
  }
}

const Evaluation& Separable::evaluate(const double* rates, const double* rmax) {
  result_.cost = result_.nullCost = result_.squares = 0;
  std::fill(std::begin(result_.descent), std::end(result_.descent), 0.0);
  std::fill(std::begin(result_.normals), std::end(result_.normals), 0.0);
  result_.linear.assign(static_cast<std::size_t>(problem_.groups()) * shape_.sites, 0.0);
  groups_.assign(static_cast<std::size_t>(problem_.groups()) * size_ * size_, 0.0);
  const int cycles = static_cast<int>(problem_.cycles.size());
  for (int cycle = 0; cycle < cycles; ++cycle) {
    reduce(cycle, rates);
    result_.squares += problem_.prepared[cycle].squares;
    double* sum = groups_.data() + static_cast<std::size_t>(problem_.group[cycle]) * size_ * size_;
    for (int i = 0; i < size_ * size_; ++i) sum[i] += reducedOf(cycle)[i];
  }
  for (int group = 0; group < problem_.groups(); ++group) join(productsOf(group), group, rmax);
  return result_;
}

std::vector<double> Separable::localsOf(int at) const {
  const Prepared& prepared = problem_.prepared[at];
  const int group = problem_.group[at];
  std::vector<double> found(prepared.locals);
  for (int l = 0; l < prepared.locals; ++l) {
    found[l] = cross_[at][l * size_ + size_ - 1];
    for (int s = 0; s < shape_.sites; ++s) {
      found[l] -= cross_[at][l * size_ + s * (1 + shape_.perSite)] * result_.linear[group * shape_.sites + s];
    }
  }
  solveFactor(prepared.factor, prepared.locals, found.data());
  return found;
}

}  // namespace phorest::kinetics
