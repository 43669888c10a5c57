#include "addon/addon_jpeg.h"

#include <new>

#include "addon/arguments.h"
#include "image/jpeg_check.h"

namespace {

/** (bytes) -> [damage, blocks, expected]. */
Napi::Value check(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsTypedArray() || info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    phorest::refuseType(env, "expected a Uint8Array for bytes");
  }
  const auto bytes = info[0].As<Napi::Uint8Array>();
  try {
    const phorest::JpegFinding found = phorest::checkJpeg(bytes.Data(), bytes.ElementLength());
    auto result = Napi::Array::New(env, 3);
    result.Set(0U, static_cast<int>(found.damage));
    result.Set(1U, static_cast<double>(found.blocks));
    result.Set(2U, static_cast<double>(found.expected));
    return result;
  } catch (const std::bad_alloc&) {
    throw Napi::Error::New(env, "not enough memory to check the picture");
  }
}

}  // namespace

void defineJpegCheck(Napi::Object exports) { exports["checkJpeg"] = Napi::Function::New<check>(exports.Env(), "checkJpeg"); }
