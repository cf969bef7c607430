// swift-tools-version: 6.0

// The package for `.package(url:)`, which SwiftPM reads from the root of a repository only. Its sources and its tests
// are those of clients/swift.

import PackageDescription

let package = Package(
    name: "WhiteRoomMetrics",
    platforms: [.macOS(.v12), .iOS(.v15)],
    products: [
        .library(name: "WhiteRoomMetrics", targets: ["WhiteRoomMetrics"]),
        .library(name: "WhiteRoomMetricsPush", targets: ["WhiteRoomMetricsPush"]),
        .library(name: "CWhiteRoomMetrics", targets: ["CWhiteRoomMetrics"]),
    ],
    targets: [
        .target(
            name: "CWhiteRoomMetrics",
            path: "clients/cpp",
            exclude: ["CMakeLists.txt", "example", "white_room_metrics-config.cmake.in"],
            sources: ["src"]
        ),
        .target(
            name: "WhiteRoomMetrics",
            dependencies: ["CWhiteRoomMetrics"],
            path: "clients/swift/Sources/WhiteRoomMetrics"
        ),
        .target(
            name: "WhiteRoomMetricsPush",
            dependencies: ["WhiteRoomMetrics"],
            path: "clients/swift/Sources/WhiteRoomMetricsPush"
        ),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
