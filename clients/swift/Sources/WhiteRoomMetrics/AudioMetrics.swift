import CWhiteRoomMetrics

/// The audio callback of an engine in Swift: render time, missed deadlines, the buffer's duration, load per channel.
///
/// One thread renders a block at a time. An engine in C++ uses `white_room::AudioMetrics` on the same registry instead.
public final class AudioMetrics: Sendable {
    @usableFromInline let handle: Handle<OpaquePointer>
    private let owner: PrometheusMetrics

    /// - Parameter channels: The number of channels that are timed. Their label is their number, counted from 1.
    /// - Throws: `MetricsError` if these families are registered with another type or help.
    public init(_ metrics: PrometheusMetrics, channels: Int) throws(MetricsError) {
        handle = try registered { wr_metrics_add_audio(metrics.handle.value, max(channels, 0)) }
        owner = metrics
    }

    /// Notes the device's sample rate, in frames a second, and the frames of a buffer, when the device starts.
    public func prepare(sampleRate: Double, frames: Int) {
        wr_audio_prepare(handle.value, sampleRate, Int32(clamping: frames))
    }

    /// Measures one callback. It is an xrun if it takes longer than these frames last.
    @inlinable
    public func block<Result>(frames: Int, _ body: () throws -> Result) rethrows -> Result {
        wr_audio_begin(handle.value, Int32(clamping: frames))
        defer { wr_audio_end(handle.value) }
        return try body()
    }

    /// Measures one channel of the current block, counted from 0.
    @inlinable
    public func channel<Result>(_ index: Int, _ body: () throws -> Result) rethrows -> Result {
        let start = wr_now()
        defer { wr_audio_add_channel_seconds(handle.value, index, wr_now() - start) }
        return try body()
    }
}
