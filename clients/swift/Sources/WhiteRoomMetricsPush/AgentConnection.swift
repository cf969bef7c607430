import Foundation
#if canImport(FoundationNetworking)
import FoundationNetworking
#endif
import WhiteRoomMetrics

/// The HTTPS connection to the agent's port for pushes.
final class AgentConnection: Sendable {
    private let url: URL
    private let token: String
    private let session: URLSession
    private let isOwnSession: Bool

    init(_ url: URL, token: String, session: URLSession?) throws(MetricsError) {
        let isLocal = ["localhost", "127.0.0.1", "::1", "[::1]"].contains(url.host ?? "")
        guard url.scheme == "https" || (url.scheme == "http" && isLocal) else {
            throw MetricsError(description: "the URL for pushes begins with https://, not: \(url)")
        }
        self.url = url
        self.token = token.trimmingCharacters(in: .whitespacesAndNewlines)
        self.session = session ?? Self.makeSession()
        isOwnSession = session == nil
    }

    deinit {
        if isOwnSession {
            session.finishTasksAndInvalidate()
        }
    }

    /// Returns the agent's answer to one request.
    @Sendable func send(_ push: PushRequest) async -> PushAnswer {
        do {
            let (text, response) = try await session.data(for: request(push))
            guard let http = response as? HTTPURLResponse else {
                return .failed("the agent gave no answer in HTTP")
            }
            let seconds = http.value(forHTTPHeaderField: "Retry-After").flatMap(Double.init) ?? 0
            let line = String(decoding: text.prefix(300), as: UTF8.self).split(separator: "\n").first ?? ""
            return .status(http.statusCode, text: String(line), retryAfter: min(max(seconds, 0), 3600))
        } catch {
            return .failed(error.localizedDescription)
        }
    }

    private func request(_ push: PushRequest) -> URLRequest {
        var request = URLRequest(url: url)
        request.httpMethod = push.body == nil ? "DELETE" : "POST"
        request.httpBody = push.body.map { Data($0.utf8) }
        request.setValue("Bearer \(token)", forHTTPHeaderField: "Authorization")
        request.setValue("text/plain; version=0.0.4", forHTTPHeaderField: "Content-Type")
        request.setValue(push.process, forHTTPHeaderField: "White-Room-Process")
        request.setValue("\(push.page)", forHTTPHeaderField: "White-Room-Page")
        request.setValue("\(push.known)", forHTTPHeaderField: "White-Room-Known")
        return request
    }

    private static func makeSession() -> URLSession {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = 10
        configuration.timeoutIntervalForResource = 20
        configuration.httpMaximumConnectionsPerHost = 1
        configuration.httpShouldSetCookies = false
        return URLSession(configuration: configuration, delegate: NoRedirects(), delegateQueue: nil)
    }
}

/// Refuses redirections, which could carry the token to another server.
private final class NoRedirects: NSObject, URLSessionTaskDelegate {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(nil)
    }
}
