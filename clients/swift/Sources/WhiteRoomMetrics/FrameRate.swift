/// The arithmetic of a frame rate: frames a second, and the hitches, from the times at which frames are presented.
public struct FrameRate: Sendable {
    /// The number of frames that came at least half an interval late.
    public private(set) var hitches = 0
    /// The sum of the seconds by which those frames were late.
    public private(set) var hitchSeconds = 0.0

    private static let window = 1.0
    private static let pause = 5.0
    private var start: Double?
    private var last = 0.0
    private var frames = 0

    public init() {}

    /// Counts a frame. A gap of five seconds is a pause, such as an app in the background, and no hitch.
    ///
    /// - Parameters:
    ///   - time: The time of the frame, in seconds of a monotonic clock.
    ///   - interval: The time between two frames of the display, in seconds.
    /// - Returns: The frames a second since the last result, about once a second; nil in between.
    public mutating func presented(at time: Double, interval: Double) -> Double? {
        guard let begin = start, time >= last, time - last < Self.pause else {
            start = time
            last = time
            frames = 0
            return nil
        }
        let late = time - last - interval
        if late > interval / 2 {
            hitches += 1
            hitchSeconds += late
        }
        last = time
        frames += 1
        guard time - begin >= Self.window else {
            return nil
        }
        let rate = Double(frames) / (time - begin)
        start = time
        frames = 0
        return rate
    }
}
