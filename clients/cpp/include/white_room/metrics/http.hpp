#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <white_room/metrics/ascii.hpp>
#include <white_room/metrics/decimal.hpp>
#include <white_room/metrics/format.hpp>

namespace white_room {
inline namespace v1 {

/// What of HTTP/1.0 and 1.1 (RFC 9112) a poll needs: a request's head in, a whole answer out. No bodies in requests.
struct Answer {
    std::string bytes;
    bool keep_open;  // the connection may carry another request
};

[[nodiscard]] inline Answer make_answer(const char* status, const std::string& body, bool keep_open, bool with_body = true,
                                        Format format = Format::text) {
    std::string bytes = std::string{"HTTP/1.1 "} + status + "\r\nContent-Type: " + content_type(format) +
                        "\r\nContent-Length: " + decimal(body.size()) +
                        "\r\nConnection: " + (keep_open ? "keep-alive" : "close") + "\r\n\r\n";
    if (with_body) {
        bytes += body;
    }
    return {std::move(bytes), keep_open};
}

/// The values of all fields of this name in a request's head, separated by commas.
/// @param fields  the head after its first line, in lower case
/// @param name  in lower case
[[nodiscard]] inline std::string field(const std::string& fields, const std::string& name) {
    const std::string start = "\r\n" + name + ':';
    std::string values;
    for (auto at = fields.find(start); at != std::string::npos; at = fields.find(start, at + 1)) {
        const auto begin = at + start.size();
        values += fields.substr(begin, fields.find("\r\n", begin) - begin) + ',';
    }
    return values;
}

/// Answers a request.
/// @param head  everything before its empty line
/// @param page  called with the `Format` for the text of /metrics
template <class Page>
[[nodiscard]] Answer answer(std::string_view head, const Page& page) {
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const auto method_end = line.find(' ');
    const auto version_start = line.rfind(" HTTP/1.");
    if (method_end == std::string_view::npos || version_start == std::string_view::npos || version_start <= method_end) {
        return make_answer("400 Bad Request", "this is not a request of HTTP/1.0 or 1.1\n", false);
    }
    const std::string_view method = line.substr(0, method_end);
    const std::string_view target = line.substr(method_end + 1, version_start - method_end - 1);

    std::string fields{head.substr(line.size())};
    std::transform(fields.begin(), fields.end(), fields.begin(), lower);
    const bool keep_open = line.back() != '0' && fields.find("\r\nconnection: close") == std::string::npos;

    if (method != "GET" && method != "HEAD") {
        return make_answer("405 Method Not Allowed", "only GET and HEAD are answered here\n", false);
    }
    if (target.substr(0, target.find('?')) != "/metrics") {
        return make_answer("404 Not Found", "the metrics are at /metrics\n", keep_open, method == "GET");
    }
    const Format format = choose_format(field(fields, "accept"));
    return make_answer("200 OK", page(format), keep_open, method == "GET", format);
}

}  // namespace v1
}  // namespace white_room
