import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif
import WhiteRoomMetrics

/// Pushes the page of an app to the agent of another machine, where no agent can run next to the app, as on iOS.
///
/// It pushes at each interval, on no thread of the app. Counting goes on whatever happens to the network: a later page
/// has the counts of one that failed. After a failure the interval doubles, up to five minutes.
public final class MetricsPusher: Sendable {
    private let pushes: Pushes
    private let loop: Task<Void, Never>

    /// Starts to push.
    ///
    /// - Parameters:
    ///   - url: The address of the agent's port for pushes, such as `https://studio-7.example:9788/metrics`.
    ///   - token: A token of the agent's `plugins.push.token_files`. It decides the label `plugin`.
    ///   - interval: The seconds between two pages, 1 to 3600. A killed app loses its counts since the last page.
    ///   - session: A session of its own, such as for a private certificate authority.
    /// - Throws: `MetricsError` if the URL is not https, unless it is this machine's.
    public init(
        _ metrics: PrometheusMetrics, to url: URL, token: String, interval: Double = 10, session: URLSession? = nil
    ) throws(MetricsError) {
        let connection = try AgentConnection(url, token: token, session: session)
        let pushes = Pushes(interval: interval, page: { metrics.page() }, send: connection.send)
        self.pushes = pushes
        loop = Task.detached(priority: .utility) { await pushes.run() }
    }

    deinit {
        loop.cancel()
    }

    /// Pushes now, such as where the app goes to the background. Returns whether the agent accepted the page.
    @discardableResult
    public func push() async -> Bool {
        await pushes.push()
    }

    /// Pushes a last page, and ends the app's gauges at the agent.
    public func stop() async {
        loop.cancel()
        await pushes.stop()
    }

    /// The reason why the last page was not accepted; nil if it was, or if there was none.
    public var problem: String? {
        get async { await pushes.problem }
    }
}
