import Foundation
import Testing

@testable import WhiteRoomMetrics

enum Action: String, MetricLabel {
    case switchPerformance = "switch_performance"
    case openLibrary = "open_library"
}

enum Feature: String, MetricLabel {
    case freeze
}

enum Failure: String, MetricLabel {
    case network
    case decoding
}

struct NameTests {
    @Test func theFamiliesAreThoseOfTheTable() throws {
        let metrics = try testMetrics(labels: ["service": "swift-frontend"])
        _ = try AudioMetrics(metrics, channels: 1)
        _ = try FFIMetrics(metrics, functions: ["sch_engine_load_song"])
        try metrics.addMemory()
        try metrics.addDeploymentVersion("1.2.3")
        _ = try UIMetrics(metrics, actions: Action.self)
        _ = try BusinessMetrics(metrics, features: Feature.self, failures: Failure.self)
        _ = try ActiveUserMetrics(metrics)

        let expected = try documentedFamilies()
        #expect(expected.count == 26)
        #expect(families(of: metrics.page()) == expected)
    }
}

/// One family: its type and the names of its labels.
private struct Family: Hashable {
    let name: String
    let type: String
    let labels: Set<String>
}

/// Returns the families of the table in docs/instrumentation.md that an app, or an engine in it, exports.
private func documentedFamilies() throws -> Set<Family> {
    let page = try text(of: "docs/instrumentation.md")
    var found: Set<Family> = []
    var who = ""
    for line in page.split(separator: "\n") where line.hasPrefix("| ") {
        let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
        guard cells.count >= 3, ["counter", "gauge", "histogram"].contains(cells[2]) else {
            continue
        }
        who = cells[0].isEmpty ? who : cells[0]
        if who == "server" {
            continue
        }
        let labels = cells.count > 3 ? quoted(cells[3]).filter { !["day", "month"].contains($0) } : []
        for name in quoted(cells[1]) {
            let names = labels.map { String($0.prefix { $0 != "=" }) }
            found.insert(Family(name: name, type: cells[2], labels: Set(names).subtracting(["service"])))
        }
    }
    return found
}

/// Returns the families of a page, without the label of its registry.
private func families(of page: String) -> Set<Family> {
    var labels: [String: Set<String>] = [:]
    var types: [String: String] = [:]
    for line in page.split(separator: "\n") {
        let words = line.split(separator: " ")
        if line.hasPrefix("# TYPE ") {
            types[String(words[2])] = String(words[3])
        } else if !line.hasPrefix("#") {
            let series = words[0]
            let name = String(series.prefix { $0 != "{" })
            let family = ["_bucket", "_sum", "_count"].compactMap { suffix in
                name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : nil
            }.first { types[$0] == "histogram" } ?? name
            let pairs = series.dropFirst(name.count).trimmingCharacters(in: CharacterSet(charactersIn: "{}"))
            let names = pairs.split(separator: ",").map { String($0.prefix { $0 != "=" }) }
            labels[family, default: []].formUnion(Set(names).subtracting(["le", "service"]))
        }
    }
    return Set(types.map { Family(name: $0.key, type: $0.value, labels: labels[$0.key] ?? []) })
}

/// Returns the texts between backquotes.
private func quoted(_ text: String) -> [String] {
    text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
        .filter { $0.offset % 2 == 1 }.map { String($0.element) }
}
