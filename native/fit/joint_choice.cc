// Chooses the line shape of an ROI: all shapes are fitted, and compared under the same noise.
#include <algorithm>
#include <cmath>
#include <limits>

#include "fit/joint.h"

namespace phorest {
namespace {

constexpr Line kCandidates[] = {Line::gaussian, Line::lorentzian, Line::fano, Line::voigt};
/**
 * What chance may gain from the additional parameter of a Fano line compared to a Lorentzian, and of a Voigt line compared to
 * either. A Voigt share ends where the simpler line is, so chance gains from it only half as often.
 */
constexpr double kPenalties[kLines] = {0, 12, 0, 8};
/** A Gaussian and a Lorentzian closer than this cannot be distinguished: a line between them is the least wrong choice. */
constexpr double kUndecided = 4;

}  // namespace

LineChoice Joint::choose(const float* samples, int rows, int width, float top, double unit) {
  JointAnswer found[kLines];
  int best = -1;
  for (const Line line : kCandidates) {
    const int at = static_cast<int>(line);
    found[at] = measure(line, samples, rows, width, top, unit);
    if (found[at].status == kOk && (best < 0 || found[at].explained > found[best].explained)) best = at;
  }
  LineChoice choice{Line::gaussian, found[0], {}};
  if (best < 0) return choice;
  // The weights are those of the line with the smallest residuals; fixed, they make the costs of all lines comparable.
  const JointAnswer judge = measure(static_cast<Line>(best), samples, rows, width, top, unit);
  double least = std::numeric_limits<double>::infinity(), likeliest = least;
  for (int at = 0; at < kLines; ++at) {
    choice.scores[at] = std::numeric_limits<double>::infinity();
    if (found[at].status != kOk) continue;
    roi_.line = static_cast<Line>(at);
    Normals normals{};
    SharedLine line = found[at].line;
    if (!minimise(line, normals, kSettledWidths)) continue;
    const double score = normals.cost / judge.inflation;
    choice.scores[at] = score;
    likeliest = std::min(likeliest, score);
    if (score + kPenalties[at] < least) least = score + kPenalties[at], choice.line = static_cast<Line>(at);
  }
  const bool symmetric = choice.line == Line::gaussian || choice.line == Line::lorentzian;
  const double apart = choice.scores[static_cast<int>(Line::gaussian)] - choice.scores[static_cast<int>(Line::lorentzian)];
  if (symmetric && std::fabs(apart) < kUndecided && std::isfinite(choice.scores[static_cast<int>(Line::voigt)])) {
    choice.line = Line::voigt;
  }
  for (double& score : choice.scores) score -= likeliest;
  choice.answer = found[static_cast<int>(choice.line)];
  return choice;
}

}  // namespace phorest
