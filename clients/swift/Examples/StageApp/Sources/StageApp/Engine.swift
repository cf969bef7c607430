import StageEngine
import WhiteRoomMetrics

/// The engine's metrics could not be registered.
struct EngineError: Error {}

/// The engine in C++. It measures its audio callback; the calls into it are measured here.
final class Engine {
    private let metrics: PrometheusMetrics  // outlives the engine, which counts in its registry
    private let engine: OpaquePointer
    private let ffi: FFIMetrics

    init(_ metrics: PrometheusMetrics) throws {
        let errors = [Int32(SCH_ERR_REJECTED): "SCH_ERR_REJECTED", Int32(SCH_ERR_PARSE_FAILED): "SCH_ERR_PARSE_FAILED"]
        ffi = try FFIMetrics(metrics, functions: ["sch_engine_load_song"], ok: Int32(SCH_OK), errors: errors)
        guard let made = metrics.withUnsafeHandle(stage_engine_create) else {
            throw EngineError()
        }
        engine = made
        self.metrics = metrics
    }

    deinit {
        stage_engine_destroy(engine)
    }

    func render() {
        stage_engine_render(engine)
    }

    /// Returns the engine's result code.
    func load(song json: String) -> Int32 {
        ffi.call("sch_engine_load_song") { sch_engine_load_song(engine, json) }
    }
}
