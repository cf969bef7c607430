import Foundation
import WhiteRoomMetrics
import WhiteRoomMetricsPush

/// Plays a session for each line, and pushes the page each second.
func playPushing(to address: String, token: String) async throws {
    guard let url = URL(string: address) else {
        report("not a URL: \(address)")
        return
    }
    let metrics = try PrometheusMetrics(labels: labels)
    let app = try App(metrics)
    let pusher = try MetricsPusher(metrics, to: url, token: token, interval: 1)
    report("pushing to \(address)")
    while let line = readLine() {
        if line == "problem" {
            report(await pusher.problem ?? "none")
        } else {
            try await app.play()
            report("played")
        }
    }
    await pusher.stop()
}
