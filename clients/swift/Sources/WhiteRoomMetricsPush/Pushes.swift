/// One request to the agent.
struct PushRequest: Sendable {
    /// The page; nil to end the process.
    let body: String?
    let process: String
    let page: Int
    let known: Int
}

/// The answer of the agent, or the reason why there is none.
enum PushAnswer: Sendable {
    case status(Int, text: String, retryAfter: Double)
    case failed(String)
}

/// The pages of one process, in order.
///
/// Pages are cumulative and numbered, so that the agent ignores one that comes twice or late. An agent that does not
/// know the process gets the last accepted page again, whose counts it does not add, and then the current one.
actor Pushes {
    private(set) var problem: String?

    private static let longestDelay = 300.0
    private let interval: Double
    private let render: @Sendable () -> String
    private let send: @Sendable (PushRequest) async -> PushAnswer
    private let process = (0..<4).map { _ in hexadecimal(.random(in: .min ... .max)) }.joined()
    private var page = 0
    private var accepted = (page: 0, body: "")
    private var failures = 0
    private var retryAfter = 0.0
    private var running: Task<Bool, Never>?
    private var waiting: Task<Bool, Never>?

    init(
        interval: Double, page: @escaping @Sendable () -> String,
        send: @escaping @Sendable (PushRequest) async -> PushAnswer
    ) {
        self.interval = interval >= 1 ? min(interval, 3600) : 1
        render = page
        self.send = send
    }

    /// The seconds until the next page: random within the first interval, so that many apps do not push at once.
    var delay: Double {
        if page == 0 {
            return .random(in: 0...interval)
        }
        let backOff = min(interval * pow2(failures), max(Self.longestDelay, interval))
        return max(failures == 0 ? backOff : backOff * .random(in: 0.75...1), retryAfter)
    }

    /// Pushes at each interval until cancelled.
    func run() async {
        while true {
            do {
                try await Task.sleep(nanoseconds: UInt64(delay * 1e9))
            } catch {
                return
            }
            await push()
        }
    }

    /// Pushes the current page, after the one that is in progress. Returns whether the agent accepted it.
    @discardableResult
    func push() async -> Bool {
        if let waiting {
            return await waiting.value  // it has the counts of this moment too
        }
        let before = running
        let task = Task {
            _ = await before?.value
            return await pushNext()
        }
        waiting = task
        return await task.value
    }

    /// Pushes a last page and ends the process at the agent.
    func stop() async {
        if await push() {
            _ = await send(PushRequest(body: nil, process: process, page: page, known: accepted.page))
        }
    }

    private func pushNext() async -> Bool {
        running = waiting
        waiting = nil
        page += 1
        let body = render()
        var answer = await send(request(body, page))
        if answer.isUnknownProcess {
            answer = await send(request(accepted.body, accepted.page))
            if answer.isAccepted {
                answer = await send(request(body, page))
            }
        }
        return note(answer, of: body)
    }

    private func request(_ body: String, _ page: Int) -> PushRequest {
        PushRequest(body: body, process: process, page: page, known: accepted.page)
    }

    private func note(_ answer: PushAnswer, of body: String) -> Bool {
        problem = answer.problem
        retryAfter = answer.retryAfter
        if answer.isAccepted {
            accepted = (page, body)
            failures = 0
        } else {
            failures = min(failures + 1, 16)
        }
        return answer.isAccepted
    }
}

extension PushAnswer {
    var isAccepted: Bool {
        if case .status(200..<300, _, _) = self { true } else { false }
    }

    var isUnknownProcess: Bool {
        if case .status(409, _, _) = self { true } else { false }
    }

    var retryAfter: Double {
        if case .status(_, _, let seconds) = self { seconds } else { 0 }
    }

    /// The reason why the page was not accepted; nil if it was.
    var problem: String? {
        switch self {
        case .failed(let reason): reason
        case .status(200..<300, _, _): nil
        case .status(let code, let text, _): "the agent answered \(code): \(text)"
        }
    }
}

private func pow2(_ exponent: Int) -> Double {
    Double(sign: .plus, exponent: exponent, significand: 1)
}

private func hexadecimal(_ value: UInt32) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
}
