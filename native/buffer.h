// Scratch memory that grows, is aligned for every vector unit, and is reused from image to image.
#pragma once
#include <cstddef>
#include <memory>
#include <new>

namespace phorest {

template <class T>
class Buffer {
 public:
  /** Returns room for `count` values; the old content is lost if it has to grow. Throws std::bad_alloc. */
  T* reserve(std::size_t count) {
    if (count > capacity_) {
      memory_.reset();
      capacity_ = 0;
      memory_.reset(static_cast<T*>(::operator new(count * sizeof(T), kAlignment)));
      capacity_ = count;
    }
    return memory_.get();
  }
  T* data() const { return memory_.get(); }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Release {
    void operator()(T* memory) const { ::operator delete(memory, kAlignment); }
  };
  std::unique_ptr<T, Release> memory_;
  std::size_t capacity_ = 0;
};

}  // namespace phorest
