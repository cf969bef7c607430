import Foundation
import Testing

@testable import WhiteRoomMetrics

struct VectorTests {
    @Test(arguments: try vectors()) func thePagesAreThoseOfTheTestVectors(vector: Vector) throws {
        let metrics = try testMetrics(labels: vector.labels)
        for metric in vector.metrics {
            try metric.add(to: metrics)
        }

        #expect(metrics.page() == vector.text)
        #expect(metrics.page(.openMetrics) == vector.openMetrics)
    }

    @Test func theDefaultBoundsAreThoseOfRenderTimes() throws {
        let vector = try #require(try vectors().first { $0.name == "bounds of render times" })

        #expect(Bounds.renderTime == vector.metrics[0].bounds)
    }
}

/// A registry, its metrics, and its page in both formats.
struct Vector: Decodable, CustomTestStringConvertible {
    let name: String
    let labels: [String: String]
    let metrics: [Metric]
    let text: String
    let openMetrics: String
    var testDescription: String { name }

    enum CodingKeys: String, CodingKey {
        case name, labels, metrics, text
        case openMetrics = "open_metrics"
    }
}

/// One metric and its calls.
struct Metric: Decodable {
    let type: String
    let name: String
    let help: String
    let labels: [String: String]
    let inc: [UInt64]?
    let set: Number?
    let bounds: [Double]?
    let observe: [Double]?

    func add(to metrics: PrometheusMetrics) throws {
        switch type {
        case "counter":
            let counter = try metrics.counter(name, help, labels: labels)
            try #require(inc).forEach(counter.inc)
        case "gauge":
            try metrics.gauge(name, help, labels: labels).set(#require(set).value)
        default:
            let histogram = try metrics.histogram(name, help, bounds: #require(bounds), labels: labels)
            try #require(observe).forEach(histogram.observe)
        }
    }
}

/// A number, or the text of one that JSON does not have.
struct Number: Decodable {
    let value: Double

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Double.self) {
            value = number
        } else {
            value = try #require(Double(try container.decode(String.self).replacingOccurrences(of: "NaN", with: "nan")))
        }
    }
}

private func vectors() throws -> [Vector] {
    try JSONDecoder().decode([Vector].self, from: Data(text(of: "clients/test_vectors.json").utf8))
}
