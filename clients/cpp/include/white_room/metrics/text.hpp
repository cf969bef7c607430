#pragma once

#include <cmath>
#include <cstdint>
#include <ostream>
#include <sstream>
#include <string>

#include <white_room/metrics/counter.hpp>
#include <white_room/metrics/format.hpp>
#include <white_room/metrics/gauge.hpp>
#include <white_room/metrics/histogram.hpp>
#include <white_room/metrics/labels.hpp>

/// Prometheus text format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/) and OpenMetrics 1.0
/// (https://prometheus.io/docs/specs/om/open_metrics_spec/), one series at a time.
/// The stream's locale must be the classic one, and its precision 15, so that 0.1 is written `0.1` everywhere.

namespace white_room {
inline namespace v1 {

/// A gauge whose value is asked for when it is written, on the server's thread.
struct ComputedGauge {
    double (*read)() noexcept;
};

inline void write_number(std::ostream& out, double value) {
    if (std::isnan(value)) {
        out << "NaN";
    } else if (std::isinf(value)) {
        out << (value > 0 ? "+Inf" : "-Inf");
    } else {
        out << value;
    }
}

inline void write_name(std::ostream& out, const std::string& name, const std::string& labels) {
    out << name;
    if (!labels.empty()) {
        out << '{' << labels << '}';
    }
    out << ' ';
}

inline void write_series(std::ostream& out, Format, const std::string& name, const std::string& labels,
                         const Counter& counter) {
    write_name(out, name, labels);
    out << counter.value() << '\n';
}

inline void write_series(std::ostream& out, Format, const std::string& name, const std::string& labels,
                         const Gauge& gauge) {
    write_name(out, name, labels);
    write_number(out, gauge.value());
    out << '\n';
}

inline void write_series(std::ostream& out, Format, const std::string& name, const std::string& labels,
                         const ComputedGauge& gauge) {
    write_name(out, name, labels);
    write_number(out, gauge.read());
    out << '\n';
}

/// The bound of a bucket. OpenMetrics writes whole numbers with a fraction.
inline void write_bound(std::ostream& out, Format format, double bound) {
    std::ostringstream written;
    written.copyfmt(out);
    write_number(written, bound);
    const std::string text = written.str();
    const bool whole = text.find_first_not_of("-0123456789") == std::string::npos;
    out << text << (whole && format == Format::open_metrics ? ".0" : "");
}

/// The head of a family. OpenMetrics names a counter without its suffix, and escapes quotes in the help.
inline void write_family(std::ostream& out, Format format, const std::string& name, const std::string& type,
                         const std::string& help) {
    constexpr std::size_t suffix = 6;  // _total
    const bool open_metrics = format == Format::open_metrics;
    const std::string family = open_metrics && type == "counter" ? name.substr(0, name.size() - suffix) : name;
    out << "# HELP " << family << ' ' << (open_metrics ? escaped(help) : help) << "\n# TYPE " << family << ' ' << type
        << '\n';
}

/// `_count` is the sum of the buckets that were read, so that a page agrees with itself while others observe.
/// OpenMetrics allows neither `_sum` nor `_count` next to a bound below zero, since that sum may fall.
inline void write_series(std::ostream& out, Format format, const std::string& name, const std::string& labels,
                         const Histogram& histogram) {
    const std::string prefix = name + "_bucket{" + labels + (labels.empty() ? "" : ",") + "le=\"";
    std::uint64_t below = 0;
    std::size_t index = 0;
    for (const double bound : histogram.bounds()) {
        below += histogram.count(index++);
        out << prefix;
        write_bound(out, format, bound);
        out << "\"} " << below << '\n';
    }
    below += histogram.count(index);
    out << prefix << "+Inf\"} " << below << '\n';
    if (format == Format::open_metrics && histogram.bounds().front() < 0) {
        return;
    }
    write_name(out, name + "_sum", labels);
    write_number(out, histogram.sum());
    out << '\n';
    write_name(out, name + "_count", labels);
    out << below << '\n';
}

}  // namespace v1
}  // namespace white_room
