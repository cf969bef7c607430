// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "StageApp",
    platforms: [.macOS(.v12)],
    dependencies: [.package(name: "WhiteRoomMetrics", path: "../..")],
    targets: [
        .target(
            name: "StageEngine",
            dependencies: [.product(name: "CWhiteRoomMetrics", package: "WhiteRoomMetrics")]
        ),
        .executableTarget(
            name: "StageApp",
            dependencies: [
                "StageEngine",
                .product(name: "WhiteRoomMetrics", package: "WhiteRoomMetrics"),
                .product(name: "WhiteRoomMetricsPush", package: "WhiteRoomMetrics"),
            ]
        ),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
