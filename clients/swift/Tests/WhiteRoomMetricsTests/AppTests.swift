import Testing

@testable import WhiteRoomMetrics

struct AppTests {
    @Test func anAudioBlockIsMeasured() throws {
        let metrics = try testMetrics()
        let audio = try AudioMetrics(metrics, channels: 2)
        audio.block(frames: 48) { spin(0.002) }  // no deadline is known yet
        audio.prepare(sampleRate: 48_000, frames: 48)
        audio.block(frames: 48) { audio.channel(0) { spin(0.003) } }

        let page = metrics.page()
        #expect(page.contains("\naudio_engine_render_time_seconds_count 2\n"))
        #expect(page.contains("\naudio_engine_xruns_total{source=\"engine\"} 1\n"))
        #expect(page.contains("\naudio_engine_buffer_duration_seconds 0.001\n"))
        #expect(try value("audio_channel_cpu_usage{channel=\"1\"}", in: page) > 0)
        #expect(try value("audio_channel_cpu_usage{channel=\"2\"}", in: page) == 0)
    }

    @Test func callsAreCountedByFunctionAndCode() throws {
        enum Code: UInt32 {
            case ok, rejected
        }
        struct Stop: Error {}
        let metrics = try testMetrics()
        let ffi = try FFIMetrics(metrics, functions: ["load", "close"], errors: [1: "REJECTED", 2: "PARSE_FAILED"])

        for code in [0, 0, 1, 2, 77] as [Int32] {
            #expect(ffi.call("load") { code } == code)
        }
        #expect(ffi.call("load") { Int64.max } == .max)
        #expect(ffi.call("load") { Code.rejected } == .rejected)
        #expect(ffi.call(withoutCode: "close") { "closed" } == "closed")
        #expect(throws: Stop.self) { try ffi.call(withoutCode: "close") { throw Stop() } }
        #expect(ffi.call("not registered") { 1 } == 1)

        let page = metrics.page()
        for line in [
            "ffi_calls_total{function=\"load\"} 7", "ffi_call_duration_seconds_count{function=\"load\"} 7",
            "ffi_errors_total{code=\"REJECTED\",function=\"load\"} 2",
            "ffi_errors_total{code=\"PARSE_FAILED\",function=\"load\"} 1",
            "ffi_errors_total{code=\"other\",function=\"load\"} 2",
            "ffi_calls_total{function=\"close\"} 2", "ffi_errors_total{code=\"other\",function=\"close\"} 1",
            "ffi_calls_total{function=\"other\"} 1", "ffi_errors_total{code=\"other\",function=\"other\"} 1",
        ] {
            #expect(page.contains("\n\(line)\n"), "\(line)")
        }
    }

    @Test func theInterfaceIsMeasured() async throws {
        let metrics = try testMetrics()
        let ui = try UIMetrics(metrics, actions: Action.self)
        ui.frame(rendered: 0.004)
        ui.frame(rendered: .milliseconds(20))
        ui.frameRate(59.9)
        #expect(ui.transition("library → stage") { 3 } == 3)
        await ui.transition("stage → library") { await Task.yield() }
        ui.interaction {}
        await ui.interaction { await Task.yield() }
        ui.action(.switchPerformance)

        let page = metrics.page()
        for line in [
            "ui_render_time_seconds_sum 0.024", "ui_render_time_seconds_bucket{le=\"0.004\"} 1", "ui_frame_rate 59.9",
            "ui_transition_duration_seconds_count 2", "ui_interaction_time_seconds_count 2",
            "user_actions_total{action=\"switch_performance\"} 1", "user_actions_total{action=\"open_library\"} 0",
        ] {
            #expect(page.contains("\n\(line)\n"), "\(line)")
        }
    }

    @Test func theUseOfTheAppIsCounted() async throws {
        let metrics = try testMetrics()
        let business = try BusinessMetrics(metrics, features: Feature.self, failures: Failure.self)
        business.songs.created()
        business.songs.performanceSwitched()
        business.songs.load {}
        await business.songs.load { await Task.yield() }
        business.songs.export {}
        await business.songs.export { await Task.yield() }
        business.users.signedUp()
        business.users.authenticationFailed()
        business.used(.freeze)
        business.failed(.network)
        let first = business.sessions.started()
        let second = business.sessions.started()
        second.end()
        try ActiveUserMetrics(metrics).set(day: 3, month: 17)

        let page = metrics.page()
        for line in [
            "songs_created_total 1", "performances_switched_total 1", "song_load_duration_seconds_count 2",
            "export_duration_seconds_count 2", "user_signups_total 1", "authentication_failures_total 1",
            "feature_usage_total{feature=\"freeze\"} 1", "app_errors_total{type=\"network\"} 1",
            "app_errors_total{type=\"decoding\"} 0", "user_sessions_total 2", "active_sessions 1",
            "session_duration_seconds_count 1", "active_users_total{window=\"day\"} 3",
            "active_users_total{window=\"month\"} 17",
        ] {
            #expect(page.contains("\n\(line)\n"), "\(line)")
        }
        first.end()
        #expect(metrics.page().contains("\nactive_sessions 0\n"))
    }

    @Test func aFrameRateIsCountedOverASecond() {
        var rate = FrameRate()
        var results: [Double] = []
        for frame in 0...120 {
            if let result = rate.presented(at: 100 + Double(frame) / 60, interval: 1.0 / 60) {
                results.append(result)
            }
        }

        #expect(results.count == 1 || results.count == 2)
        #expect(results.allSatisfy { abs($0 - 60) < 0.01 })
        #expect(rate.hitches == 0)
    }

    @Test func aLateFrameIsAHitchAndAPauseIsNone() {
        var rate = FrameRate()
        for time in [0.0, 0.1, 0.2, 0.4, 0.54, 10, 10.1] {
            #expect(rate.presented(at: time, interval: 0.1) == nil)
        }
        #expect(rate.hitches == 1)
        #expect(abs(rate.hitchSeconds - 0.1) < 1e-9)

        #expect(rate.presented(at: 11, interval: 0.1) == 2)
        #expect(rate.presented(at: 3, interval: 0.1) == nil)  // a clock that went back starts again
        #expect(rate.hitches == 2)
    }
}

/// Returns after this many seconds of work.
private func spin(_ seconds: Double) {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while clock.now < end {}
}
