import CWhiteRoomMetrics

/// The calls of an app into its engine: their number, durations and errors, by function.
public final class FFIMetrics: Sendable {
    private let functions: [String: FFIFunction]
    private let other: FFIFunction

    /// - Parameters:
    ///   - functions: The names of the engine's functions. Any other counts as `other`, and so do its errors.
    ///   - ok: The result code of success.
    ///   - errors: The names of the other result codes. A code without a name counts as `other`.
    /// - Throws: `MetricsError` if these families are registered with another type or help.
    public init(
        _ metrics: PrometheusMetrics, functions: [String], ok: Int32 = 0, errors: [Int32: String] = [:]
    ) throws(MetricsError) {
        var made: [String: FFIFunction] = [:]
        for name in functions {
            made[name] = try FFIFunction(metrics, name, ok: ok, errors: errors)
        }
        self.functions = made
        other = try FFIFunction(metrics, "other", ok: ok, errors: [:])
    }

    /// Measures a call that returns a result code.
    public func call<Code: BinaryInteger>(_ function: String, _ body: () throws -> Code) rethrows -> Code {
        try self.function(function).call(body)
    }

    /// Measures a call that returns an enumeration of C with the result code.
    public func call<Code: RawRepresentable>(_ function: String, _ body: () throws -> Code) rethrows -> Code
    where Code.RawValue: BinaryInteger {
        try self.function(function).call(body)
    }

    /// Measures a call without a result code. It is an error, `other`, if it throws.
    public func call<Result>(withoutCode function: String, _ body: () throws -> Result) rethrows -> Result {
        try self.function(function).call(withoutCode: body)
    }

    /// Returns the metrics of one function, to save the look-up of its name.
    public func function(_ name: String) -> FFIFunction {
        functions[name] ?? other
    }
}

/// The calls of one function of the engine.
public struct FFIFunction: @unchecked Sendable {
    private let handle: OpaquePointer
    private let ok: Int32
    private let unnamed: Int32
    private let owner: PrometheusMetrics

    init(_ metrics: PrometheusMetrics, _ name: String, ok: Int32, errors: [Int32: String]) throws(MetricsError) {
        let codes = errors.sorted { $0.key < $1.key }.map { wr_ffi_code(code: $0.key, name: copied($0.value)) }
        defer { codes.forEach { $0.name.deallocate() } }
        handle = try registered {
            wr_metrics_add_ffi_function(metrics.handle.value, name, ok, codes, codes.count)
        }.value
        self.ok = ok
        unnamed = (Int32.min...Int32.max).first { $0 != ok && errors[$0] == nil } ?? ok
        owner = metrics
    }

    /// Measures a call that returns a result code.
    public func call<Code: BinaryInteger>(_ body: () throws -> Code) rethrows -> Code {
        try measure(body) { Int32(exactly: $0) ?? unnamed }
    }

    /// Measures a call that returns an enumeration of C with the result code.
    public func call<Code: RawRepresentable>(_ body: () throws -> Code) rethrows -> Code
    where Code.RawValue: BinaryInteger {
        try measure(body) { Int32(exactly: $0.rawValue) ?? unnamed }
    }

    /// Measures a call without a result code. It is an error, `other`, if it throws.
    public func call<Result>(withoutCode body: () throws -> Result) rethrows -> Result {
        try measure(body) { _ in ok }
    }

    private func measure<Result>(_ body: () throws -> Result, _ codeOf: (Result) -> Int32) rethrows -> Result {
        let start = wr_now()
        var code = unnamed
        defer { wr_ffi_function_observe(handle, wr_now() - start, code) }
        let result = try body()
        code = codeOf(result)
        return result
    }
}
