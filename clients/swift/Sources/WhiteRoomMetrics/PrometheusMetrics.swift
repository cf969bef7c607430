import CWhiteRoomMetrics

/// The metrics of one app, and the Unix socket that serves them to the agent, unless the app pushes them.
///
/// Create it once, where the app starts, and register all metrics there: registration allocates and takes a lock.
/// Counting does neither, from any thread. The socket is removed by `stop`, or when this object and its last
/// metric are released.
public final class PrometheusMetrics: Sendable {
    let handle: Handle<OpaquePointer>

    /// Starts to serve.
    ///
    /// Without a place for the socket, counting goes on and the server retries every two seconds: see `problem`.
    ///
    /// - Parameters:
    ///   - plugin: The value of the label `plugin`: letters, digits, `_` and `-`, a letter or digit first, at most 64.
    ///   - directory: The directory of the socket; by default the first usable one of the platform.
    ///   - labels: The labels of every series, such as `service` and `environment`.
    /// - Throws: `MetricsError` if the name of the plugin or of a label has another form.
    public init(plugin: String, directory: String? = nil, labels: [String: String] = [:]) throws(MetricsError) {
        handle = try registered {
            labels.withLabels { wr_metrics_open(plugin, directory, $0.baseAddress, $0.count) }
        }
    }

    /// Creates metrics without a socket, for an app that pushes its page: see `MetricsPusher`.
    ///
    /// - Parameter labels: The labels of every series, such as `service` and `environment`.
    /// - Throws: `MetricsError` if the name of a label has another form.
    public init(labels: [String: String] = [:]) throws(MetricsError) {
        handle = try registered {
            labels.withLabels { wr_metrics_open(nil, nil, $0.baseAddress, $0.count) }
        }
    }

    deinit {
        wr_metrics_close(handle.value)
    }

    /// Stops to serve and removes the socket. Metrics may still be counted.
    ///
    /// Call it where the app terminates: the agent reports a service whose socket remains as one that crashed.
    public func stop() {
        wr_metrics_stop(handle.value)
    }

    /// The path of the socket; nil while there is none.
    public var path: String? {
        let text = readText { wr_metrics_path(handle.value, $0, $1) }
        return text.isEmpty ? nil : text
    }

    /// The reason for a missing socket; nil if there is one, or will be in a moment.
    public var problem: String? {
        let text = readText { wr_metrics_problem(handle.value, $0, $1) }
        return text.isEmpty ? nil : text
    }

    /// Returns the page that the socket serves.
    public func page(_ format: Format = .text) -> String {
        var size = wr_metrics_page(handle.value, format == .openMetrics, nil, 0)
        while true {
            var text = [CChar](repeating: 0, count: size + 1)
            let length = wr_metrics_page(handle.value, format == .openMetrics, &text, text.count)
            if length <= size {
                return String(decoding: text.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
            }
            size = length
        }
    }

    /// Registers a counter. The same name and labels again return the same counter.
    ///
    /// - Parameter name: It ends in `_total`.
    /// - Throws: `MetricsError` if a name has another form, or the family exists with another type or help.
    public func counter(_ name: String, _ help: String, labels: [String: String] = [:]) throws(MetricsError) -> Counter {
        let made = try registered {
            labels.withLabels { wr_metrics_add_counter(handle.value, name, help, $0.baseAddress, $0.count) }
        }
        return Counter(handle: made.value, owner: self)
    }

    /// Registers a gauge. The same name and labels again return the same gauge.
    ///
    /// - Throws: `MetricsError` if a name has another form, or the family exists with another type or help.
    public func gauge(_ name: String, _ help: String, labels: [String: String] = [:]) throws(MetricsError) -> Gauge {
        let made = try registered {
            labels.withLabels { wr_metrics_add_gauge(handle.value, name, help, $0.baseAddress, $0.count) }
        }
        return Gauge(handle: made.value, owner: self)
    }

    /// Registers a histogram. The same name and labels again return the same histogram.
    ///
    /// - Parameter bounds: The upper bounds of the finite buckets, strictly ascending, 1 to 32.
    /// - Throws: `MetricsError` if a name has another form, or the family exists with another type, help or bounds.
    public func histogram(
        _ name: String, _ help: String, bounds: [Double] = Bounds.renderTime, labels: [String: String] = [:]
    ) throws(MetricsError) -> Histogram {
        let made = try registered {
            labels.withLabels {
                wr_metrics_add_histogram(handle.value, name, help, bounds, bounds.count, $0.baseAddress, $0.count)
            }
        }
        return Histogram(handle: made.value, owner: self)
    }

    /// Exports the deployed version of the app, which has the label `service`.
    public func addDeploymentVersion(_ version: String) throws(MetricsError) {
        if !wr_metrics_add_deployment_version(handle.value, version) {
            throw MetricsError.last()
        }
    }

    /// Exports the memory of this process as that of the audio engine, for an app that contains the engine.
    public func addMemory() throws(MetricsError) {
        if !wr_metrics_add_memory(handle.value) {
            throw MetricsError.last()
        }
    }

    /// Calls `body` with the `wr_metrics` of the C interface, for C and C++ code that adds metrics to the same page.
    ///
    /// C++ code takes the registry from it by `wr_metrics_registry`. It must stop counting before this object is released.
    public func withUnsafeHandle<Result>(_ body: (OpaquePointer) throws -> Result) rethrows -> Result {
        try body(handle.value)
    }
}

/// The formats of a page.
public enum Format: Sendable {
    /// Prometheus text 0.0.4.
    case text
    /// OpenMetrics 1.0.
    case openMetrics
}
