import Foundation
import Testing

@testable import WhiteRoomMetrics

struct RegistryTests {
    @Test func aRegistrationSaysWhatIsWrong() throws {
        let metrics = try testMetrics()
        _ = try metrics.counter("a_total", "A.", labels: ["x": "1"])
        _ = try metrics.histogram("h", "H.", bounds: [1, 2])

        for (attempt, reason) in [
            ({ _ = try metrics.counter("a", "A.") }, "ends in _total"),
            ({ _ = try metrics.counter("a_total", "B.") }, "is registered as a counter with the help: A."),
            ({ _ = try metrics.gauge("a_total", "A.") }, "is registered as a counter"),
            ({ _ = try metrics.gauge("1a", "A.") }, "not a metric name: '1a'"),
            ({ _ = try metrics.gauge("b", "Two\nlines.") }, "must be one line"),
            ({ _ = try metrics.gauge("b", "B.", labels: ["le": "1"]) }, "not a label name: 'le'"),
            ({ _ = try metrics.histogram("h", "H.", bounds: [1, 3]) }, "with other bounds"),
            ({ _ = try metrics.histogram("i", "I.", bounds: [2, 1]) }, "ascend strictly"),
            ({ _ = try metrics.histogram("i", "I.", bounds: []) }, "1 to 32 bounds, not 0"),
        ] as [(() throws -> Void, String)] {
            let error = #expect(throws: MetricsError.self, performing: attempt)
            #expect(error?.description.contains(reason) == true, "\(error?.description ?? "no error")")
        }
        #expect(throws: MetricsError.self) { try PrometheusMetrics(plugin: "a plugin") }
    }

    @Test func theSameNameAndLabelsAreTheSameMetric() throws {
        let metrics = try testMetrics()
        try metrics.counter("a_total", "A.", labels: ["x": "1"]).inc()
        try metrics.counter("a_total", "A.", labels: ["x": "1"]).inc(2)

        #expect(metrics.page().hasSuffix("\na_total{x=\"1\"} 3\n"))
    }

    @Test func threadsLoseNothing() async throws {
        let metrics = try testMetrics()
        let counter = try metrics.counter("a_total", "A.")
        let gauge = try metrics.gauge("b", "B.")
        let histogram = try metrics.histogram("c", "C.", bounds: [1, 2])
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for i in 0..<10_000 {
                        counter.inc()
                        gauge.add(1)
                        histogram.observe(Double(i % 2) + 0.5)
                    }
                }
            }
            group.addTask {
                for _ in 0..<50 {
                    #expect(!metrics.page().isEmpty)
                }
            }
        }

        let page = metrics.page()
        for line in [
            "a_total 40000", "b 40000", "c_bucket{le=\"1\"} 20000", "c_bucket{le=\"+Inf\"} 40000", "c_sum 40000",
        ] {
            #expect(page.contains("\n\(line)\n"), "\(line)")
        }
    }

    @Test func aTimerObservesAlsoWhatThrowsOrSuspends() async throws {
        struct Failure: Error {}
        let metrics = try testMetrics()
        let histogram = try metrics.histogram("a_seconds", "A.", bounds: [10])

        #expect(histogram.time { 7 } == 7)
        #expect(throws: Failure.self) { try histogram.time { throw Failure() } }
        let answer = try await histogram.time { () async throws -> Int in
            try await Task.sleep(nanoseconds: 20_000_000)
            return 8
        }

        #expect(answer == 8)
        #expect(metrics.page().contains("\na_seconds_count 3\n"))
        #expect(try value("a_seconds_sum", in: metrics.page()) >= 0.02)
    }

    @Test func countingGoesOnAfterTheEndOfTheServer() async throws {
        let metrics = try testMetrics(plugin: "stopped")  // another test could take a freed path of the same name
        let counter = try metrics.counter("a_total", "A.")
        while metrics.path == nil {
            try await Task.sleep(nanoseconds: 1_000_000)
        }
        let path = try #require(metrics.path)
        #expect(FileManager.default.fileExists(atPath: path))
        metrics.stop()
        metrics.stop()
        counter.inc()

        #expect(!FileManager.default.fileExists(atPath: path))
        #expect(metrics.path == nil)
        #expect(metrics.problem == nil)
        #expect(metrics.page().hasSuffix("\na_total 1\n"))
    }

    @Test func aMetricOutlivesTheVariableOfItsRegistry() throws {
        let counter = try testMetrics().counter("a_total", "A.")
        counter.inc()

        #expect(counter.owner.page().hasSuffix("\na_total 1\n"))
    }
}
