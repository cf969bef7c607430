import CWhiteRoomMetrics

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
    private let counters: [Value: Handle<OpaquePointer>]  // without the owner, whose references every call would count
    private let owner: PrometheusMetrics

    init(_ metrics: PrometheusMetrics, _ name: String, _ help: String, label: String) throws(MetricsError) {
        var made: [Value: Handle<OpaquePointer>] = [:]
        for value in Value.allCases {
            made[value] = Handle(try metrics.counter(name, help, labels: [label: value.rawValue]).handle)
        }
        counters = made
        owner = metrics
    }

    func inc(_ value: Value) {
        if let counter = counters[value] {
            wr_counter_inc(counter.value, 1)
        }
    }
}
