#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include <white_room/metrics/ascii.hpp>

namespace white_room {
inline namespace v1 {

/// The formats of a page: Prometheus text 0.0.4 and OpenMetrics 1.0.
enum class Format { text, open_metrics };

[[nodiscard]] constexpr const char* content_type(Format format) noexcept {
    return format == Format::open_metrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
                                          : "text/plain; version=0.0.4; charset=utf-8";
}

/// Take the part of `text` before `separator` off it, without blanks at either end.
[[nodiscard]] inline std::string_view take_part(std::string_view& text, char separator) {
    const auto end = text.find(separator);
    std::string_view part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    const auto first = std::min(part.find_first_not_of(" \t"), part.size());
    part = part.substr(first);
    return part.substr(0, part.find_last_not_of(" \t\r") + 1);
}

/// The thousandths of a quality value (RFC 9110, 12.4.2): 900 for `0.9`; 0 for one of another form.
[[nodiscard]] inline int quality(std::string_view text) {
    if (text.empty() || (text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.') || text.size() > 5) {
        return 0;
    }
    int result = (text[0] - '0') * 1000;
    int unit = 100;
    for (std::size_t index = 2; index < text.size(); ++index, unit /= 10) {
        if (!is_digit(text[index])) {
            return 0;
        }
        result += (text[index] - '0') * unit;
    }
    return std::min(result, 1000);
}

/// The format that the `Accept` field of a request prefers; text if it names neither.
/// @param accept  the field's value in lower case
[[nodiscard]] inline Format choose_format(std::string_view accept) {
    int text = 0;
    int open_metrics = 0;
    while (!accept.empty()) {
        std::string_view range = take_part(accept, ',');
        const std::string_view type = take_part(range, ';');
        int weight = 1000;
        bool known = true;
        while (!range.empty()) {
            const std::string_view parameter = take_part(range, ';');
            if (parameter.substr(0, 2) == "q=") {
                weight = quality(parameter.substr(2));
            } else if (parameter.substr(0, 8) == "version=") {
                known = type != "application/openmetrics-text" || parameter.substr(8) == "1.0.0";
            }
        }
        if (known && type == "application/openmetrics-text") {
            open_metrics = std::max(open_metrics, weight);
        } else if (type == "text/plain" || type == "text/*" || type == "*/*") {
            text = std::max(text, weight);
        }
    }
    return open_metrics > 0 && open_metrics >= text ? Format::open_metrics : Format::text;
}

}  // namespace v1
}  // namespace white_room
