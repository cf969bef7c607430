import Foundation
import Testing

@testable import WhiteRoomMetrics

/// Returns metrics whose socket lies in the folder for temporary files.
func testMetrics(plugin: String = "test", labels: [String: String] = [:]) throws -> PrometheusMetrics {
    try PrometheusMetrics(plugin: plugin, directory: NSTemporaryDirectory(), labels: labels)
}

/// Returns the value of one series of a page.
func value(_ series: String, in page: String) throws -> Double {
    let line = try #require(page.split(separator: "\n").first { $0.hasPrefix(series + " ") }, "\(series) in\n\(page)")
    return try #require(Double(line.dropFirst(series.count + 1)))
}

/// Returns the text of a file of the project.
func text(of path: String) throws -> String {
    let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../..").standardized
    return try String(contentsOf: root.appendingPathComponent(path), encoding: .utf8)
}
