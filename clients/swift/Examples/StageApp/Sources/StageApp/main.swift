// A stand-in of the app for the command line. It plays a session for each line of its standard input, and says so.
// `curl --unix-socket FILE http://plugin/metrics` shows its page.

let app = try App()
while app.metrics.path == nil && app.metrics.problem == nil {
    try await Task.sleep(nanoseconds: 1_000_000)
}
report(app.metrics.path.map { "served at \($0)" } ?? app.metrics.problem ?? "")
while readLine() != nil {
    try await app.play()
    report("played")
}
app.metrics.stop()
