// The Node-API layer of correlate.h.
#pragma once
#include <napi.h>

/** Adds shrink, flatten, autocorrelate, samplePatches and correlatePatches to the kernel's exports. */
void defineCorrelation(Napi::Object exports);
