/// The values of a label as an enumeration, so that none can be misspelt and all are registered beforehand.
///
/// The raw value is the label's value:
///
///     enum Action: String, MetricLabel {
///         case switchPerformance = "switch_performance"
///     }
public protocol MetricLabel: CaseIterable, Hashable, RawRepresentable, Sendable where RawValue == String {}

/// One counter for each value of a label.
struct LabelledCounter<Value: MetricLabel>: Sendable {
    private let counters: [Value: Counter]

    init(_ metrics: PrometheusMetrics, _ name: String, _ help: String, label: String) throws(MetricsError) {
        var made: [Value: Counter] = [:]
        for value in Value.allCases {
            made[value] = try metrics.counter(name, help, labels: [label: value.rawValue])
        }
        counters = made
    }

    func inc(_ value: Value) {
        counters[value]?.inc()
    }
}
