// Checks the measuring tasks that JavaScript passes.
#pragma once
#include <napi.h>

#include <vector>

#include "measure/kernel.h"

namespace phorest {

/**
 * Reads a task from an object {method, jointLine, lines, findsForms}, for tracking also {anchors, reference, grow}: where the
 * kernel reads the references of all ROIs, and writes them if they may grow. Throws Napi::TypeError or Napi::RangeError.
 */
KernelTask kernelTask(const Napi::Value& value, const std::vector<Roi>& rois);

}  // namespace phorest
