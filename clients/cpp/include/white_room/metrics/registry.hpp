#pragma once

#include <cstddef>
#include <iomanip>
#include <locale>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <white_room/metrics/format.hpp>
#include <white_room/metrics/labels.hpp>
#include <white_room/metrics/text.hpp>

namespace white_room {
inline namespace v1 {

/// Owns the metrics of one plugin instance or app, and writes them as a page.
///
/// Registering allocates and takes a lock: do it where the plugin is made, never on an audio thread. What it returns
/// stays where it is for as long as the registry lives. Registering the same name and labels again returns the same
/// metric. Use the registry from any thread.
class Registry {
public:
    /// @param constant  labels that every series gets, such as `service` and `environment`
    explicit Registry(Labels constant = {}) : constant_{std::move(constant)} {}
    Registry(const Registry&) = delete;
    Registry& operator=(const Registry&) = delete;

    /// @throws std::invalid_argument  the name does not end in `_total`, a name is not one of Prometheus's, or the
    ///   family exists with another type or help; so do the functions below
    Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {}) {
        constexpr std::size_t suffix = 6;
        if (name.size() <= suffix || name.compare(name.size() - suffix, suffix, "_total") != 0) {
            throw std::invalid_argument{"the name of a counter ends in _total, not: " + name};
        }
        return value_of<Counter>({"counter", help}, name, labels);
    }

    Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {}) {
        return value_of<Gauge>({"gauge", help}, name, labels);
    }

    /// A gauge whose value is what `read` returns at each poll, on the server's thread.
    void computed_gauge(const std::string& name, const std::string& help, double (*read)() noexcept,
                        const Labels& labels = {}) {
        value_of<ComputedGauge>({"gauge", help}, name, labels, ComputedGauge{read});
    }

    /// @param bounds  see Histogram
    Histogram& histogram(const std::string& name, const std::string& help, const std::vector<double>& bounds,
                         const Labels& labels = {}) {
        Histogram& found = value_of<Histogram>({"histogram", help}, name, labels, bounds);
        if (found.bounds() != bounds) {
            throw std::invalid_argument{name + " is registered with other bounds"};
        }
        return found;
    }

    /// The page.
    [[nodiscard]] std::string text(Format format = Format::text) const {
        std::ostringstream out;
        out.imbue(std::locale::classic());
        out << std::setprecision(15);
        const std::lock_guard lock{mutex_};
        for (const auto& [name, family] : families_) {
            write_family(out, format, name, family.type, family.help);
            for (const auto& series : family.series) {
                series->write(out, format, name);
            }
        }
        if (format == Format::open_metrics) {
            out << "# EOF\n";
        }
        return out.str();
    }

private:
    struct Series {
        explicit Series(std::string text) : labels{std::move(text)} {}
        virtual ~Series() = default;
        virtual void write(std::ostream& out, Format format, const std::string& name) const = 0;
        const std::string labels;
    };

    template <class Value>
    struct SeriesOf final : Series {
        template <class... Arguments>
        explicit SeriesOf(std::string text, Arguments&&... arguments)
            : Series{std::move(text)}, value{std::forward<Arguments>(arguments)...} {}
        void write(std::ostream& out, Format format, const std::string& name) const override {
            write_series(out, format, name, this->labels, value);
        }
        Value value;
    };

    struct Family {
        std::string type;
        std::string help;
        std::vector<std::unique_ptr<Series>> series{};
    };

    template <class Value, class... Arguments>
    Value& value_of(Family family, const std::string& name, const Labels& labels, Arguments&&... arguments) {
        Labels all = labels;
        all.insert(constant_.begin(), constant_.end());
        const std::string text = label_text(all);
        const std::lock_guard lock{mutex_};
        auto& existing = this->family(std::move(family), name).series;
        for (const auto& series : existing) {
            if (series->labels == text) {
                return same<Value>(*series, name).value;
            }
        }
        auto made = std::make_unique<SeriesOf<Value>>(text, std::forward<Arguments>(arguments)...);
        Value& value = made->value;
        existing.push_back(std::move(made));
        return value;
    }

    Family& family(Family wanted, const std::string& name) {
        if (!is_identifier(name, ':')) {
            throw std::invalid_argument{"not a metric name: '" + name + "' (letters, digits, '_', ':')"};
        }
        if (wanted.help.find('\n') != std::string::npos || wanted.help.find('\\') != std::string::npos) {
            throw std::invalid_argument{"the help of " + name + " must be one line without a backslash"};
        }
        Family& found = families_.emplace(name, Family{wanted.type, wanted.help}).first->second;
        if (found.type != wanted.type || found.help != wanted.help) {
            throw std::invalid_argument{name + " is registered as a " + found.type + " with the help: " + found.help};
        }
        return found;
    }

    template <class Value>
    static SeriesOf<Value>& same(Series& series, const std::string& name) {
        if (auto* const found = dynamic_cast<SeriesOf<Value>*>(&series)) {
            return *found;
        }
        throw std::invalid_argument{name + " is registered as a gauge of another kind"};
    }

    const Labels constant_;
    mutable std::mutex mutex_{};
    std::map<std::string, Family> families_{};
};

}  // namespace v1
}  // namespace white_room
