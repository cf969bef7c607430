// The screen's own frames, on Apple's platforms. Linux has no display link, so this file is empty there.

#if (canImport(UIKit) && !os(watchOS)) || canImport(AppKit)
import QuartzCore

#if canImport(UIKit)
import UIKit
#else
import AppKit
#endif

/// The frame rate of the screen, as `ui_frame_rate`, from a display link on the main run loop.
@available(macOS 14, *)
@MainActor
public final class DisplayFrames<Action: MetricLabel> {
    private let ui: UIMetrics<Action>
    private var rate = FrameRate()
    private var link: CADisplayLink?

    public init(_ ui: UIMetrics<Action>) {
        self.ui = ui
    }

    /// Starts to count the frames. The run loop holds the display link until `stop`.
    public func start() {
        guard link == nil else {
            return
        }
        let target = Target { [weak self] in self?.presented($0) }
        #if canImport(UIKit)
        link = CADisplayLink(target: target, selector: #selector(Target.tick))
        #else
        link = NSScreen.main?.displayLink(target: target, selector: #selector(Target.tick))
        #endif
        link?.add(to: .main, forMode: .common)
    }

    /// Stops to count the frames, such as where the app goes to the background. The frame rate is 0, or unknown, then.
    public func stop() {
        link?.invalidate()
        link = nil
        rate = FrameRate()
        ui.frameRate(0)
    }

    private func presented(_ link: CADisplayLink) {
        let interval = link.targetTimestamp - link.timestamp
        if let framesPerSecond = rate.presented(at: link.timestamp, interval: interval) {
            ui.frameRate(framesPerSecond)
        }
    }
}

/// The object that the display link calls.
@available(macOS 14, *)
@MainActor
private final class Target: NSObject {
    private let body: (CADisplayLink) -> Void

    init(_ body: @escaping (CADisplayLink) -> Void) {
        self.body = body
    }

    @objc func tick(_ link: CADisplayLink) {
        body(link)
    }
}
#endif
