#pragma once

#include <cstdio>
#include <string>

namespace white_room {
inline namespace v1 {

/// A number in decimal digits. Stands in for `std::to_string`, whose table of digits is one for the whole process with
/// GCC, which keeps every plugin that has it from being unloaded.
template <class Integer>
[[nodiscard]] std::string decimal(Integer number) {
    char digits[24];
    std::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(number));
    return digits;
}

}  // namespace v1
}  // namespace white_room
