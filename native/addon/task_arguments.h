// What JavaScript asks of a picture, checked.
#pragma once
#include <napi.h>

#include <vector>

#include "measure/kernel.h"

namespace phorest {

/**
 * A task as an object {method, jointLine, lines, findsForms}, and to track also {anchors, reference, grow}: where the kernel
 * reads the references of all ROIs, and writes them when they are to grow. Throws Napi::TypeError or Napi::RangeError.
 */
KernelTask kernelTask(const Napi::Value& value, const std::vector<Roi>& rois);

}  // namespace phorest
