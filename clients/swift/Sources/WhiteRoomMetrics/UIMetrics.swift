/// The responsiveness of an app: frames, transitions, interactions, and the actions of its users.
public final class UIMetrics<Action: MetricLabel>: Sendable {
    private let frameRate: Gauge
    private let renderTime: Histogram
    private let transitions: Histogram
    private let interactions: Histogram
    private let actions: LabelledCounter<Action>

    /// - Parameter actions: The enumeration of the users' actions.
    /// - Throws: `MetricsError` if these families are registered with another type, help or bounds.
    public init(_ metrics: PrometheusMetrics, actions: Action.Type) throws(MetricsError) {
        frameRate = try metrics.gauge("ui_frame_rate", "Frames a second.")
        renderTime = try metrics.histogram(
            "ui_render_time_seconds", "Time to render one frame.", bounds: Bounds.interaction)
        transitions = try metrics.histogram(
            "ui_transition_duration_seconds", "Duration of transitions between views.", bounds: Bounds.interaction)
        interactions = try metrics.histogram(
            "ui_interaction_time_seconds", "Time from an input to its response.", bounds: Bounds.interaction)
        self.actions = try LabelledCounter(metrics, "user_actions_total", "Actions of users.", label: "action")
    }

    /// Counts one frame that took this time to render, in seconds.
    public func frame(rendered seconds: Double) {
        renderTime.observe(seconds)
    }

    /// Sets the frame rate, in frames a second: see `FrameRate`.
    public func frameRate(_ framesPerSecond: Double) {
        frameRate.set(framesPerSecond)
    }

    /// Measures a transition. The name is for the reader: no label carries it.
    public func transition<Result>(_ name: StaticString, _ body: () throws -> Result) rethrows -> Result {
        try transitions.time(body)
    }

    /// Measures a transition. The name is for the reader: no label carries it.
    public func transition<Result>(
        _ name: StaticString, isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await transitions.time(body)
    }

    /// Measures the response to an input.
    public func interaction<Result>(_ body: () throws -> Result) rethrows -> Result {
        try interactions.time(body)
    }

    /// Measures the response to an input.
    public func interaction<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await interactions.time(body)
    }

    /// Counts an action of a user.
    public func action(_ action: Action) {
        actions.inc(action)
    }
}

@available(macOS 13, iOS 16, *)
extension UIMetrics {
    /// Counts one frame that took this time to render.
    public func frame(rendered duration: Duration) {
        frame(rendered: duration.seconds)
    }
}

@available(macOS 13, iOS 16, *)
extension Duration {
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
