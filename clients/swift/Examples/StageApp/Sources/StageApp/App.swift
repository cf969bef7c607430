import WhiteRoomMetrics

enum Action: String, MetricLabel {
    case switchPerformance = "switch_performance"
    case openLibrary = "open_library"
}

enum Feature: String, MetricLabel {
    case freeze
    case bounce
}

enum Failure: String, MetricLabel {
    case songUnreadable = "song_unreadable"
    case network
}

/// The app: a user interface, sessions and songs.
final class App {
    private let ui: UIMetrics<Action>
    private let business: BusinessMetrics<Feature, Failure>
    private let activeUsers: ActiveUserMetrics
    private let engine: Engine
    private var session: Session?
    private var frameRate = FrameRate()

    init(_ metrics: PrometheusMetrics) throws {
        try metrics.addDeploymentVersion("1.2.3")
        try metrics.addMemory()
        ui = try UIMetrics(metrics, actions: Action.self)
        business = try BusinessMetrics(metrics, features: Feature.self, failures: Failure.self)
        activeUsers = try ActiveUserMetrics(metrics)
        engine = try Engine(metrics)
    }

    /// Plays a session: 90 frames at 60 a second, three songs, and each kind of event once.
    func play() async throws {
        session = business.sessions.started()
        business.users.signedUp()
        business.users.authenticationFailed()
        business.used(.freeze)
        activeUsers.set(day: 2, month: 5)
        for song in ["{}", "", "nonsense"] {
            open(song)
        }
        await ui.transition("library → stage") { await Task.yield() }
        ui.interaction { switchPerformance() }
        for frame in 0..<90 {
            try await show(frame)
        }
        try await business.songs.export { try await Task.sleep(nanoseconds: 20_000_000) }
        session = nil
    }

    private func open(_ song: String) {
        ui.action(.openLibrary)
        if business.songs.load({ engine.load(song: song) }) == 0 {
            business.songs.created()
        } else {
            business.failed(.songUnreadable)
        }
    }

    private func switchPerformance() {
        ui.action(.switchPerformance)
        business.songs.performanceSwitched()
    }

    /// Shows one frame. The times are those of a display with 60 frames a second.
    private func show(_ frame: Int) async throws {
        engine.render()
        ui.frame(rendered: 0.004)
        if let rate = frameRate.presented(at: Double(frame) / 60, interval: 1.0 / 60) {
            ui.frameRate(rate)
        }
        try await Task.sleep(nanoseconds: 1_000_000)
    }
}
