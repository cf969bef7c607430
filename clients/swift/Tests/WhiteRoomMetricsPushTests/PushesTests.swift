import Foundation
import Testing
import WhiteRoomMetrics

@testable import WhiteRoomMetricsPush

/// A stand-in of the agent, which keeps the requests and gives the answers of a test.
private actor StandIn {
    private(set) var requests: [PushRequest] = []
    private var answers: [PushAnswer]

    init(_ answers: [PushAnswer]) {
        self.answers = answers
    }

    func send(_ request: PushRequest) -> PushAnswer {
        requests.append(request)
        return answers.isEmpty ? accepted : answers.removeFirst()
    }

    var shown: [String] {
        requests.map { "\($0.body ?? "end") page \($0.page) known \($0.known)" }
    }
}

/// A page that differs each time.
private final class Pages: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    func next() -> String {
        lock.withLock {
            count += 1
            return "a \(count)"
        }
    }
}

private let accepted = PushAnswer.status(204, text: "", retryAfter: 0)
private let unknown = PushAnswer.status(409, text: "unknown process", retryAfter: 0)
private let busy = PushAnswer.status(429, text: "too often", retryAfter: 700)

private func pushes(_ agent: StandIn, interval: Double = 10) -> Pushes {
    let pages = Pages()
    return Pushes(interval: interval, page: pages.next, send: { await agent.send($0) })
}

struct PushesTests {
    @Test func numbersItsPagesAndSaysWhichWasAccepted() async {
        let agent = StandIn([accepted, .failed("no network"), accepted])
        let pushes = pushes(agent)
        let results = [await pushes.push(), await pushes.push(), await pushes.push()]

        #expect(results == [true, false, true])
        #expect(await agent.shown == ["a 1 page 1 known 0", "a 2 page 2 known 1", "a 3 page 3 known 1"])
        #expect(await pushes.problem == nil)
    }

    @Test func repeatsTheAcceptedPageToAnAgentThatDoesNotKnowTheProcess() async {
        let agent = StandIn([accepted, unknown])
        let pushes = pushes(agent)
        _ = [await pushes.push(), await pushes.push()]

        #expect(
            await agent.shown == [
                "a 1 page 1 known 0", "a 2 page 2 known 1", "a 1 page 1 known 1", "a 2 page 2 known 1",
            ])
        #expect(Set(await agent.requests.map(\.process)).count == 1)
    }

    @Test func identifiesEachProcessByItsOwnRandomDigits() async {
        let agent = StandIn([])
        for _ in 0..<20 {
            await pushes(agent).push()
        }
        let processes = Set(await agent.requests.map(\.process))

        #expect(processes.count == 20)
        #expect(processes.allSatisfy { $0.count == 32 && $0.allSatisfy("0123456789abcdef".contains) })
    }

    @Test func backsOffAndHonoursRetryAfter() async {
        let agent = StandIn([accepted, .failed("no network"), .failed("no network"), busy])
        let pushes = pushes(agent)
        #expect((0...10).contains(await pushes.delay))
        await pushes.push()
        #expect(await pushes.delay == 10)
        await pushes.push()
        #expect((15...20).contains(await pushes.delay))
        await pushes.push()
        #expect((30...40).contains(await pushes.delay))
        #expect(await pushes.problem == "no network")
        await pushes.push()
        #expect(await pushes.delay == 700)
        #expect(await pushes.problem == "the agent answered 429: too often")
        await pushes.push()
        #expect(await pushes.delay == 10)
    }

    @Test(arguments: [-1, 0, .nan, .infinity, 1e300]) func keepsToAnIntervalThatWorks(_ interval: Double) async {
        let pushes = pushes(StandIn([]), interval: interval)
        await pushes.push()

        #expect((1...3600).contains(await pushes.delay))
    }

    @Test func waitsNoLongerThanFiveMinutesWithoutAnAgent() async {
        let agent = StandIn(Array(repeating: .failed("no network"), count: 30))
        let pushes = pushes(agent)
        for _ in 0..<30 {
            await pushes.push()
        }

        #expect((225...300).contains(await pushes.delay))
    }

    @Test func pushesOfManyTasksAreInOrderAndFew() async {
        let agent = StandIn([])
        let pushes = pushes(agent)
        await withTaskGroup { group in
            for _ in 0..<100 {
                group.addTask { await pushes.push() }
            }
        }
        let numbers = await agent.requests.map(\.page)

        #expect(numbers == Array(1...numbers.count))
        #expect(numbers.count <= 100)
        #expect(await agent.requests.last?.body == "a \(numbers.count)")
    }

    @Test func endsWithALastPage() async {
        let agent = StandIn([])
        let pushes = pushes(agent)
        await pushes.stop()

        #expect(await agent.shown == ["a 1 page 1 known 0", "end page 1 known 1"])
    }

    @Test func pushesAtEachInterval() async throws {
        let agent = StandIn([])
        let pushes = pushes(agent, interval: 1)
        let loop = Task { await pushes.run() }
        while await agent.requests.count < 3 {
            try await Task.sleep(nanoseconds: 10_000_000)
        }
        loop.cancel()
        await loop.value
    }
}

struct AgentConnectionTests {
    @Test(arguments: ["http://studio-7.example:9788/metrics", "ftp://studio-7.example", "/metrics"])
    func refusesToSendATokenInClearText(_ text: String) throws {
        let url = try #require(URL(string: text))
        #expect(throws: MetricsError.self) {
            try MetricsPusher(PrometheusMetrics(), to: url, token: "secret")
        }
    }

    @Test func anAgentThatIsNotThereIsAProblemAndNoError() async throws {
        let metrics = try PrometheusMetrics(labels: ["service": "swift-frontend"])
        let counter = try metrics.counter("songs_created_total", "Songs created.")
        let url = try #require(URL(string: "http://127.0.0.1:1/metrics"))
        let pusher = try MetricsPusher(metrics, to: url, token: "secret")
        counter.inc()

        #expect(await pusher.push() == false)
        #expect(await pusher.problem != nil)
        #expect(metrics.path == nil)
        #expect(metrics.problem == nil)
        #expect(metrics.page().contains("songs_created_total{service=\"swift-frontend\"} 1\n"))
    }
}
