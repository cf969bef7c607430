// swift-tools-version: 6.0

import PackageDescription

let package = Package(
    name: "SwiftOverhead",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "WhiteRoomMetrics", path: "../../clients/swift")],
    targets: [
        .executableTarget(
            name: "SwiftOverhead",
            dependencies: [.product(name: "WhiteRoomMetrics", package: "WhiteRoomMetrics")]
        )
    ],
    swiftLanguageModes: [.v6]
)
