import CWhiteRoomMetrics

/// The use of an app: songs, exports, sessions, sign-ups, features and errors.
public final class BusinessMetrics<Feature: MetricLabel, Failure: MetricLabel>: Sendable {
    /// The songs that users create, load and export.
    public let songs: SongMetrics
    /// The sessions of users.
    public let sessions: SessionMetrics
    /// The sign-ups and sign-ins of users.
    public let users: UserMetrics
    private let features: LabelledCounter<Feature>
    private let failures: LabelledCounter<Failure>

    /// - Parameters:
    ///   - features: The enumeration of the app's features.
    ///   - failures: The enumeration of the types of its errors.
    /// - Throws: `MetricsError` if these families are registered with another type, help or bounds.
    public init(
        _ metrics: PrometheusMetrics, features: Feature.Type, failures: Failure.Type
    ) throws(MetricsError) {
        songs = try SongMetrics(metrics)
        sessions = try SessionMetrics(metrics)
        users = try UserMetrics(metrics)
        self.features = try LabelledCounter(metrics, "feature_usage_total", "Uses of features.", label: "feature")
        self.failures = try LabelledCounter(metrics, "app_errors_total", "Errors of the app.", label: "type")
    }

    /// Counts a use of a feature.
    public func used(_ feature: Feature) {
        features.inc(feature)
    }

    /// Counts an error of the app.
    public func failed(_ failure: Failure) {
        failures.inc(failure)
    }
}

/// The songs and performances of an app.
public struct SongMetrics: Sendable {
    private let songsCreated: Counter
    private let performancesSwitched: Counter
    private let loading: Histogram
    private let exporting: Histogram

    init(_ metrics: PrometheusMetrics) throws(MetricsError) {
        songsCreated = try metrics.counter("songs_created_total", "Songs created.")
        performancesSwitched = try metrics.counter("performances_switched_total", "Switches of the performance.")
        loading = try metrics.histogram("song_load_duration_seconds", "Time to load a song.", bounds: Bounds.work)
        exporting = try metrics.histogram("export_duration_seconds", "Time to export a song.", bounds: Bounds.work)
    }

    /// Counts a new song.
    public func created() {
        songsCreated.inc()
    }

    /// Counts a switch of the performance.
    public func performanceSwitched() {
        performancesSwitched.inc()
    }

    /// Measures the loading of a song.
    public func load<Result>(_ body: () throws -> Result) rethrows -> Result {
        try loading.time(body)
    }

    /// Measures the loading of a song.
    public func load<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await loading.time(body)
    }

    /// Measures the export of a song.
    public func export<Result>(_ body: () throws -> Result) rethrows -> Result {
        try exporting.time(body)
    }

    /// Measures the export of a song.
    public func export<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await exporting.time(body)
    }
}

/// The sessions of an app's users.
public struct SessionMetrics: Sendable {
    private let begun: Counter
    private let active: Gauge
    private let duration: Histogram

    init(_ metrics: PrometheusMetrics) throws(MetricsError) {
        begun = try metrics.counter("user_sessions_total", "Sessions begun.")
        active = try metrics.gauge("active_sessions", "Sessions that last now.")
        duration = try metrics.histogram("session_duration_seconds", "Duration of sessions.", bounds: Bounds.session)
    }

    /// Begins a session, which ends with the returned value.
    public func started() -> Session {
        begun.inc()
        active.add(1)
        return Session(active: active, duration: duration)
    }
}

/// One session of a user. It ends when this value is released, or by `end`.
public struct Session: ~Copyable, Sendable {
    private let active: Gauge
    private let duration: Histogram
    private let start = wr_now()

    fileprivate init(active: Gauge, duration: Histogram) {
        self.active = active
        self.duration = duration
    }

    deinit {
        active.add(-1)
        duration.observe(wr_now() - start)
    }

    /// Ends the session.
    public consuming func end() {}
}

/// The users of an app, without their identities.
public struct UserMetrics: Sendable {
    private let signUps: Counter
    private let refusals: Counter

    init(_ metrics: PrometheusMetrics) throws(MetricsError) {
        signUps = try metrics.counter("user_signups_total", "Users who signed up.")
        refusals = try metrics.counter("authentication_failures_total", "Sign-ins that failed.")
    }

    /// Counts a new user.
    public func signedUp() {
        signUps.inc()
    }

    /// Counts a sign-in that failed.
    public func authenticationFailed() {
        refusals.inc()
    }
}

/// The active users of an app that counts them itself. Without it, the agent counts them from logs.
public struct ActiveUserMetrics: Sendable {
    private let ofDay: Gauge
    private let ofMonth: Gauge

    /// - Throws: `MetricsError` if the family is registered with another type or help.
    public init(_ metrics: PrometheusMetrics) throws(MetricsError) {
        let (name, help) = ("active_users_total", "Users who were active in the window.")
        ofDay = try metrics.gauge(name, help, labels: ["window": "day"])
        ofMonth = try metrics.gauge(name, help, labels: ["window": "month"])
    }

    /// Sets the users of the last day and of the last 30 days.
    public func set(day: Int, month: Int) {
        ofDay.set(Double(day))
        ofMonth.set(Double(month))
    }
}
