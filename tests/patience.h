// How long a test waits, in ms, for what should happen within `ms`; longer where a sanitizer slows the program down.
#pragma once

namespace spanscope::test {

#if defined(__SANITIZE_THREAD__)
constexpr int kSlowdown = 20;
#elif defined(__SANITIZE_ADDRESS__)
constexpr int kSlowdown = 5;
#else
constexpr int kSlowdown = 1;
#endif
constexpr int patience(int ms) { return ms * kSlowdown; }

}  // namespace spanscope::test
