// The Node-API layer of jpeg_check.h.
#pragma once
#include <napi.h>

/** Adds checkJpeg to the kernel's exports. */
void defineJpegCheck(Napi::Object exports);
