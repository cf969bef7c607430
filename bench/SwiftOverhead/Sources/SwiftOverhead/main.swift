// The program that bench/swift_overhead.py builds and runs, with the output and the method of bench/cpp_overhead.cpp.

import Foundation
import WhiteRoomMetrics

let rounds = 7
let manyThreads = 4
let calls = 1_000_000

/// Render times around those of 128 frames, so that the buckets that are searched for differ.
let values: [Double] = {
    var state: UInt32 = 1
    return (0..<1024).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return 0.0002 + Double(state >> 16) / 65536 * 0.003
    }
}()

/// Results of threads that have ended when it is read.
final class Results: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [Double] = []

    func add(_ value: Double) {
        lock.withLock { all.append(value) }
    }

    var median: Double {
        lock.withLock { all.sorted()[all.count / 2] }
    }
}

func seconds(of clock: clockid_t) -> Double {
    var now = timespec()
    clock_gettime(clock, &now)
    return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}

@inline(__always)
func nanoseconds(clock: clockid_t, _ call: (Double) -> Void) -> Double {
    values.withUnsafeBufferPointer { values in
        let start = seconds(of: clock)
        for number in 0..<calls {
            call(values[number & 1023])
        }
        return (seconds(of: clock) - start) / Double(calls) * 1e9
    }
}

/// Returns the median of the rounds. `measure` measures the calls of one thread, by its number and a clock.
func measured(_ threads: Int, clock: clockid_t, _ measure: @escaping @Sendable (Int, clockid_t) -> Double) -> Double {
    let all = Results()
    for _ in 0..<rounds {
        let round = Results()
        let running = (0..<threads).map { number in
            Thread { round.add(measure(number, clock)) }
        }
        running.forEach { $0.start() }
        while running.contains(where: { !$0.isFinished }) {
            usleep(1000)
        }
        all.add(round.median)
    }
    return all.median
}

func report(_ subject: String, _ measure: @escaping @Sendable (Int, clockid_t) -> Double) {
    func show(_ column: String, _ nanoseconds: Double) {
        print("\(subject)\t\(column)\t\(String(format: "%.1f", nanoseconds))")
    }
    let shared: @Sendable (Int, clockid_t) -> Double = { _, clock in measure(0, clock) }
    show("1", measured(1, clock: CLOCK_THREAD_CPUTIME_ID, measure))
    show("4 shared", measured(manyThreads, clock: CLOCK_THREAD_CPUTIME_ID, shared))
    show("4 shared elapsed", measured(manyThreads, clock: CLOCK_MONOTONIC, shared))
    show("4 own", measured(manyThreads, clock: CLOCK_THREAD_CPUTIME_ID, measure))
    fflush(nil)
}

let metrics = try PrometheusMetrics(plugin: "overhead", directory: CommandLine.arguments[1])
let counters = try (0..<manyThreads).map { try metrics.counter("a_total", "A.", labels: ["thread": "\($0)"]) }
let gauges = try (0..<manyThreads).map { try metrics.gauge("b", "B.", labels: ["thread": "\($0)"]) }
let histograms = try (0..<manyThreads).map { try metrics.histogram("c", "C.", labels: ["thread": "\($0)"]) }
let names = (0..<manyThreads).map { "sch_engine_function_\($0)" }
let ffi = try FFIMetrics(metrics, functions: names, errors: [1: "SCH_ERR_REJECTED"])
let functions = names.map(ffi.function)
let audio = try AudioMetrics(metrics, channels: 2)
audio.prepare(sampleRate: 48000, frames: 128)

report("Swift: Counter.inc") { [counters] thread, clock in
    let counter = counters[thread]
    return nanoseconds(clock: clock) { _ in counter.inc() }
}
report("Swift: Gauge.set") { [gauges] thread, clock in
    let gauge = gauges[thread]
    return nanoseconds(clock: clock) { gauge.set($0) }
}
report("Swift: Histogram.observe") { [histograms] thread, clock in
    let histogram = histograms[thread]
    return nanoseconds(clock: clock) { histogram.observe($0) }
}
report("Swift: Histogram.time") { [histograms] thread, clock in
    let histogram = histograms[thread]
    return nanoseconds(clock: clock) { _ in histogram.time {} }
}
report("Swift: FFIFunction.call") { [functions] thread, clock in
    let function = functions[thread]
    return nanoseconds(clock: clock) { _ in _ = function.call { Int32(0) } }
}
report("Swift: FFIMetrics.call") { [ffi, names] thread, clock in
    let name = names[thread]
    return nanoseconds(clock: clock) { _ in _ = ffi.call(name) { Int32(0) } }
}
let block = measured(1, clock: CLOCK_THREAD_CPUTIME_ID) { [audio] _, clock in
    nanoseconds(clock: clock) { _ in
        audio.block(frames: 128) {
            audio.channel(0) {}
            audio.channel(1) {}
        }
    }
}
print("Swift: AudioMetrics.block, 2 channels\t1\t\(String(format: "%.1f", block))")
metrics.stop()
