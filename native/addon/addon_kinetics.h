// The Node-API layer of kinetics.h.
#pragma once
#include <napi.h>

/** Adds fitKinetics to the kernel's exports. */
void defineKinetics(Napi::Object exports);
