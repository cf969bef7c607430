#pragma once

#include <cstddef>

namespace white_room {
inline namespace v1 {

/// Bytes that two cores cannot write at once. What an audio thread writes is aligned to it, so that no other thread's
/// writes slow it down (128 on Apple's and some other ARM cores, 64 elsewhere).
#if defined(__aarch64__)
inline constexpr std::size_t cache_line = 128;
#else
inline constexpr std::size_t cache_line = 64;
#endif

}  // namespace v1
}  // namespace white_room
