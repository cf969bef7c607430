import CWhiteRoomMetrics

/// The reason why a metric could not be registered.
public struct MetricsError: Error, Hashable, CustomStringConvertible {
    public let description: String

    package init(description: String) {
        self.description = description
    }

    /// Returns the reason of the last call on this thread that failed.
    static func last() -> MetricsError {
        MetricsError(description: String(cString: wr_metrics_last_error()))
    }
}
