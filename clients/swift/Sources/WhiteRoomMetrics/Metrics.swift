import CWhiteRoomMetrics

/// A count that only goes up.
public struct Counter: @unchecked Sendable {
    @usableFromInline let handle: OpaquePointer
    let owner: PrometheusMetrics

    /// Counts `amount`: one atomic addition, from any thread.
    @inlinable
    public func inc(_ amount: UInt64 = 1) {
        wr_counter_inc(handle, amount)
    }
}

/// A value that goes up and down.
public struct Gauge: @unchecked Sendable {
    @usableFromInline let handle: OpaquePointer
    let owner: PrometheusMetrics

    /// Sets the value, from any thread.
    @inlinable
    public func set(_ value: Double) {
        wr_gauge_store(handle, value)
    }

    /// Adds `amount`, from any thread.
    @inlinable
    public func add(_ amount: Double) {
        wr_gauge_add(handle, amount)
    }
}

/// Observations, counted into fixed buckets.
public struct Histogram: @unchecked Sendable {
    @usableFromInline let handle: OpaquePointer
    let owner: PrometheusMetrics

    /// Counts `value`, from any thread.
    @inlinable
    public func observe(_ value: Double) {
        wr_histogram_observe(handle, value)
    }

    /// Observes the seconds that `body` takes, also if it throws.
    @inlinable
    public func time<Result>(_ body: () throws -> Result) rethrows -> Result {
        let start = wr_now()
        defer { observe(wr_now() - start) }
        return try body()
    }

    /// Observes the seconds that `body` takes, its suspensions included, also if it throws.
    @inlinable
    public func time<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async rethrows -> Result {
        let start = wr_now()
        defer { observe(wr_now() - start) }
        return try await body()
    }
}

/// The bounds of histograms, in seconds.
public enum Bounds {
    /// Those of render times: dense where the deadlines of audio buffers lie.
    public static let renderTime = read(wr_render_time_bounds)
    /// Those of calls into the engine.
    public static let ffiCall = read(wr_ffi_call_bounds)
    /// Those of frames and interactions: dense where a display's frames lie (120, 60 and 30 a second).
    public static let interaction = [
        0.001, 0.002, 0.004, 0.00833, 0.01, 0.0125, 0.01667, 0.02, 0.025, 0.03333, 0.05, 0.1, 0.2, 0.5, 1, 2,
    ]
    /// Those of work that a person waits for: loading, exporting.
    public static let work = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600]
    /// Those of sessions: a minute to twelve hours.
    public static let session: [Double] = [60, 300, 600, 1800, 3600, 7200, 14400, 28800, 43200]

    private static func read(_ copy: (UnsafeMutablePointer<Double>?, Int) -> Int) -> [Double] {
        [Double](unsafeUninitializedCapacity: copy(nil, 0)) { buffer, count in
            count = copy(buffer.baseAddress, buffer.count)
        }
    }
}
