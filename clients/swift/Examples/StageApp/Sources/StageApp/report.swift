#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes a line at once, also into a pipe.
func report(_ line: String) {
    print(line)
    fflush(nil)
}
