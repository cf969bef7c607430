import CWhiteRoomMetrics

/// The calls of an app into its engine: their number, durations and errors, by function.
public final class FFIMetrics: Sendable {
    private let functions: [[Named]]  // by length: no hash, which would take half of a call
    private let other: Calls
    private let owner: PrometheusMetrics

    /// - Parameters:
    ///   - functions: The names of the engine's functions. Any other counts as `other`, and so do its errors.
    ///   - ok: The result code of success.
    ///   - errors: The names of the other result codes. A code without a name counts as `other`.
    /// - Throws: `MetricsError` if these families are registered with another type or help.
    public init(
        _ metrics: PrometheusMetrics, functions: [String], ok: Int32 = 0, errors: [Int32: String] = [:]
    ) throws(MetricsError) {
        let longest = functions.map(\.utf8.count).max() ?? 0
        var made = [[Named]](repeating: [], count: longest + 1)
        for name in functions {
            let calls = try Calls(metrics, name, ok: ok, errors: errors)
            made[name.utf8.count].append(Named(name: name, calls: calls))
        }
        self.functions = made
        other = try Calls(metrics, "other", ok: ok, errors: [:])
        owner = metrics
    }

    /// Measures a call that returns a result code.
    public func call<Code: BinaryInteger>(_ function: String, _ body: () throws -> Code) rethrows -> Code {
        try calls(of: function).measure(body) { Int32(exactly: $0) }
    }

    /// Measures a call that returns an enumeration of C with the result code.
    public func call<Code: RawRepresentable>(_ function: String, _ body: () throws -> Code) rethrows -> Code
    where Code.RawValue: BinaryInteger {
        try calls(of: function).measure(body) { Int32(exactly: $0.rawValue) }
    }

    /// Measures a call without a result code. It is an error, `other`, if it throws.
    public func call<Result>(withoutCode function: String, _ body: () throws -> Result) rethrows -> Result {
        let calls = calls(of: function)
        return try calls.measure(body) { _ in calls.ok }
    }

    /// Returns the metrics of one function, to save the look-up of its name.
    public func function(_ name: String) -> FFIFunction {
        FFIFunction(calls: calls(of: name), owner: owner)
    }

    private func calls(of function: String) -> Calls {
        let length = function.utf8.count
        guard length < functions.count else {
            return other
        }
        var index = 0
        while index < functions[length].count {  // an iterator and a closure would be allocated in a debug build
            if functions[length][index].name == function {
                return functions[length][index].calls
            }
            index += 1
        }
        return other
    }
}

/// The calls of one function of the engine.
public struct FFIFunction: Sendable {
    fileprivate let calls: Calls
    fileprivate let owner: PrometheusMetrics

    /// Measures a call that returns a result code.
    public func call<Code: BinaryInteger>(_ body: () throws -> Code) rethrows -> Code {
        try calls.measure(body) { Int32(exactly: $0) }
    }

    /// Measures a call that returns an enumeration of C with the result code.
    public func call<Code: RawRepresentable>(_ body: () throws -> Code) rethrows -> Code
    where Code.RawValue: BinaryInteger {
        try calls.measure(body) { Int32(exactly: $0.rawValue) }
    }

    /// Measures a call without a result code. It is an error, `other`, if it throws.
    public func call<Result>(withoutCode body: () throws -> Result) rethrows -> Result {
        try calls.measure(body) { _ in calls.ok }
    }
}

/// A function of the engine with its metrics.
private struct Named {
    let name: String
    let calls: Calls
}

/// The metrics of one function. It holds no reference that a call would have to count.
private struct Calls: @unchecked Sendable {
    let handle: OpaquePointer
    let ok: Int32
    let unnamed: Int32

    init(_ metrics: PrometheusMetrics, _ name: String, ok: Int32, errors: [Int32: String]) throws(MetricsError) {
        let codes = errors.sorted { $0.key < $1.key }.map { wr_ffi_code(code: $0.key, name: copied($0.value)) }
        defer { codes.forEach { $0.name.deallocate() } }
        handle = try registered {
            wr_metrics_add_ffi_function(metrics.handle.value, name, ok, codes, codes.count)
        }.value
        self.ok = ok
        unnamed = (Int32.min...Int32.max).first { $0 != ok && errors[$0] == nil } ?? ok
    }

    func measure<Result>(_ body: () throws -> Result, _ codeOf: (Result) -> Int32?) rethrows -> Result {
        let start = wr_now()
        var code = unnamed
        defer { wr_ffi_function_observe(handle, wr_now() - start, code) }
        let result = try body()
        code = codeOf(result) ?? unnamed
        return result
    }
}
