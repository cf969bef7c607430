#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>

#include <white_room/metrics/ascii.hpp>

namespace white_room {
inline namespace v1 {

/// Label values by label name.
using Labels = std::map<std::string, std::string>;

/// Whether `name` consists of letters, digits, underscores and `also`, and does not begin with a digit.
[[nodiscard]] inline bool is_identifier(const std::string& name, char also = '_') {
    const auto allowed = [also](char c) { return is_letter(c) || is_digit(c) || c == '_' || c == also; };
    return !name.empty() && !is_digit(name.front()) && std::all_of(name.begin(), name.end(), allowed);
}

/// `text` with backslashes, quotes and line feeds escaped, as a label value of the text format 0.0.4.
[[nodiscard]] inline std::string escaped(const std::string& text) {
    std::string result;
    for (const char c : text) {
        if (c == '\\' || c == '"') {
            result += '\\';
        }
        result += c == '\n' ? std::string{"\\n"} : std::string{c};
    }
    return result;
}

/// The labels as they stand between the braces of a series: `a="1",b="2"`.
/// @throws std::invalid_argument  a name that the text format does not allow, or that it keeps for itself
[[nodiscard]] inline std::string label_text(const Labels& labels) {
    std::string text;
    for (const auto& [name, value] : labels) {
        if (!is_identifier(name) || name.rfind("__", 0) == 0 || name == "le" || name == "quantile") {
            throw std::invalid_argument{"not a label name: '" + name + "' (letters, digits, '_'; not le, quantile, __...)"};
        }
        text += (text.empty() ? "" : ",") + name + "=\"" + escaped(value) + '"';
    }
    return text;
}

}  // namespace v1
}  // namespace white_room
