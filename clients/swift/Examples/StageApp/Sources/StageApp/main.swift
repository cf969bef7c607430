// A stand-in of the app for the command line. It plays a session for each line of its standard input, and says so.
//
//     StageApp                    serves its page on a socket: curl --unix-socket FILE http://plugin/metrics
//     StageApp URL < TOKEN        pushes its page to the agent at the URL, as an app on iOS does. The token is the
//                                 first line of its standard input.

import WhiteRoomMetrics

let labels = ["service": "swift-frontend", "environment": "production"]

if CommandLine.arguments.count > 1 {
    try await playPushing(to: CommandLine.arguments[1], token: readLine() ?? "")
} else {
    let metrics = try PrometheusMetrics(plugin: "stage-app", labels: labels)
    let app = try App(metrics)
    while metrics.path == nil && metrics.problem == nil {
        try await Task.sleep(nanoseconds: 1_000_000)
    }
    report(metrics.path.map { "served at \($0)" } ?? metrics.problem ?? "")
    while readLine() != nil {
        try await app.play()
        report("played")
    }
    metrics.stop()
}
