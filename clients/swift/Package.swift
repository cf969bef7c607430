// swift-tools-version: 6.0

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
        // A link to clients/cpp: one implementation of the registry, the page and the socket for all languages.
        .target(
            name: "CWhiteRoomMetrics",
            exclude: ["CMakeLists.txt", "example", "white_room_metrics-config.cmake.in"],
            sources: ["src"]
        ),
        .target(name: "WhiteRoomMetrics", dependencies: ["CWhiteRoomMetrics"]),
        .target(name: "WhiteRoomMetricsPush", dependencies: ["WhiteRoomMetrics"]),
        .target(name: "AllocationCount", path: "Tests/AllocationCount"),
        .testTarget(name: "WhiteRoomMetricsTests", dependencies: ["AllocationCount", "WhiteRoomMetrics"]),
        .testTarget(name: "WhiteRoomMetricsPushTests", dependencies: ["WhiteRoomMetricsPush"]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
