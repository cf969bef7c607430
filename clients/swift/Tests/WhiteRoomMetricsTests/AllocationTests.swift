import AllocationCount
import Testing

@testable import WhiteRoomMetrics

struct AllocationTests {
    @Test(.enabled(if: allocations_are_counted())) func countingAllocatesNothing() throws {
        let metrics = try testMetrics()
        let counter = try metrics.counter("a_total", "A.")
        let gauge = try metrics.gauge("b", "B.")
        let histogram = try metrics.histogram("c", "C.")
        let ui = try UIMetrics(metrics, actions: Action.self)
        let business = try BusinessMetrics(metrics, features: Feature.self, failures: Failure.self)
        let users = try ActiveUserMetrics(metrics)
        let ffi = try FFIMetrics(metrics, functions: ["sch_engine_load_song"], errors: [1: "SCH_ERR_REJECTED"])
        let audio = try AudioMetrics(metrics, channels: 2)
        let calls = [
            Call("counter.inc") { counter.inc() },
            Call("gauge.set") { gauge.set(1) },
            Call("gauge.add") { gauge.add(1) },
            Call("histogram.observe") { histogram.observe(1) },
            Call("histogram.time") { histogram.time {} },
            Call("ui.frame") { ui.frame(rendered: 0.004) },
            Call("ui.frameRate") { ui.frameRate(60) },
            Call("ui.transition") { ui.transition("library → stage") {} },
            Call("ui.interaction") { ui.interaction {} },
            Call("ui.action") { ui.action(.switchPerformance) },
            Call("business.songs.created") { business.songs.created() },
            Call("business.songs.load") { business.songs.load {} },
            Call("business.songs.export") { business.songs.export {} },
            Call("business.songs.performanceSwitched") { business.songs.performanceSwitched() },
            Call("business.users.signedUp") { business.users.signedUp() },
            Call("business.users.authenticationFailed") { business.users.authenticationFailed() },
            Call("business.used") { business.used(.freeze) },
            Call("business.failed") { business.failed(.network) },
            Call("sessions") { business.sessions.started().end() },
            Call("users.set") { users.set(day: 1, month: 2) },
            Call("ffi.call") { _ = ffi.call("sch_engine_load_song") { Int32(1) } },
            Call("ffi.call 2") { _ = ffi.call("not registered") { Int32(1) } },
            Call("audio.prepare") { audio.prepare(sampleRate: 48000, frames: 128) },
            Call("audio.block") { audio.block(frames: 128) { audio.channel(1) {} } },
        ]
        calls.forEach { $0.body() }  // the first call of generic code allocates its metadata

        #expect(allocations { _ = [1, 2, 3].map { $0 + Int.random(in: 0...1) } } > 0)
        for call in calls {
            let made = allocations {
                for _ in 0..<100 {
                    call.body()
                }
            }
            #expect(made == 0, "\(call.name)")
        }
    }
}

/// One call that an app makes while it runs.
private struct Call {
    let name: String
    let body: () -> Void

    init(_ name: String, _ body: @escaping () -> Void) {
        self.name = name
        self.body = body
    }
}

/// Returns the number of allocations of a call.
private func allocations(_ body: () -> Void) -> UInt {
    let before = allocations_of_this_thread()
    body()
    return allocations_of_this_thread() - before
}
