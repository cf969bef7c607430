import CWhiteRoomMetrics

/// A pointer of the C interface, whose functions may be called from any thread.
@usableFromInline
struct Handle<Pointer>: @unchecked Sendable {
    @usableFromInline let value: Pointer

    @usableFromInline
    init(_ value: Pointer) {
        self.value = value
    }
}

/// Returns what `make` returns, or throws the library's reason.
func registered<Pointer>(_ make: () -> Pointer?) throws(MetricsError) -> Handle<Pointer> {
    guard let made = make() else {
        throw MetricsError.last()
    }
    return Handle(made)
}

/// Returns the text that `read` copies into a buffer of this size.
func readText(_ read: (UnsafeMutablePointer<CChar>, Int) -> Void) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4096) { buffer in
        guard let start = buffer.baseAddress else {
            return ""
        }
        read(start, buffer.count)
        return String(cString: start)
    }
}

extension [String: String] {
    /// Calls `body` with these labels as C knows them, which end with the call.
    func withLabels<Result>(_ body: (UnsafeBufferPointer<wr_label>) -> Result) -> Result {
        let labels = map { wr_label(name: copied($0), value: copied($1)) }
        defer {
            for label in labels {
                label.name.deallocate()
                label.value.deallocate()
            }
        }
        return labels.withUnsafeBufferPointer(body)
    }
}

/// Returns a copy of the text that ends with a zero. The caller deallocates it.
func copied(_ text: String) -> UnsafePointer<CChar> {
    let bytes = text.utf8CString
    let copy = UnsafeMutableBufferPointer<CChar>.allocate(capacity: bytes.count)
    _ = copy.initialize(from: bytes)
    return UnsafePointer(copy.baseAddress!)
}
