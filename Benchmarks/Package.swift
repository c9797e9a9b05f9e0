// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that what it measures against never burdens a user of Ravioli.
let package = Package(
    name: "ravioli-benchmarks",
    platforms: [.macOS("26.0")],
    dependencies: [
        .package(name: "ravioli", path: ".."),
        .package(path: "Peers/load-swift"),
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-protobuf.git", exact: "1.39.0"),
    ],
    targets: [
        .executableTarget(
            name: "CodecBenchmark",
            dependencies: [
                .product(name: "RavioliSchema", package: "ravioli"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]
        ),
        .target(
            name: "TrialContract",
            dependencies: [
                .product(name: "Ravioli", package: "ravioli"),
                .product(name: "RavioliSchema", package: "ravioli"),
            ]
        ),
        .target(
            name: "LoadContract",
            dependencies: [
                .product(name: "Ravioli", package: "ravioli"),
                .product(name: "RavioliSchema", package: "ravioli"),
            ]
        ),
        .executableTarget(
            name: "ravioli-load-server",
            dependencies: [
                "LoadContract",
                .product(name: "LoadDriver", package: "load-swift"),
                .product(name: "Ravioli", package: "ravioli"),
                .product(name: "RavioliWire", package: "ravioli"),
            ],
            path: "Sources/LoadServer"
        ),
        .executableTarget(
            name: "ravioli-load-client",
            dependencies: [
                "LoadContract",
                .product(name: "LoadDriver", package: "load-swift"),
                .product(name: "Ravioli", package: "ravioli"),
                .product(name: "RavioliWire", package: "ravioli"),
                .product(name: "RavioliSchema", package: "ravioli"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Sources/LoadClient"
        ),
        .executableTarget(
            name: "ravioli-load-edge",
            dependencies: [
                .product(name: "LoadDriver", package: "load-swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Ravioli", package: "ravioli"),
                .product(name: "RavioliEdge", package: "ravioli"),
            ],
            path: "Sources/LoadEdge"
        ),
        .executableTarget(
            name: "FairnessBenchmark",
            dependencies: [
                "TrialContract",
                .product(name: "Ravioli", package: "ravioli"),
                .product(name: "RavioliSchema", package: "ravioli"),
                .product(name: "RavioliWire", package: "ravioli"),
            ]
        ),
        .executableTarget(
            name: "IdleBenchmark",
            dependencies: [
                .product(name: "Ravioli", package: "ravioli"),
                .product(name: "RavioliSchema", package: "ravioli"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        .executableTarget(
            name: "EchoBenchmark",
            dependencies: [
                "TrialContract",
                .product(name: "Ravioli", package: "ravioli"),
                .product(name: "RavioliSchema", package: "ravioli"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
    ]
)

for target in package.targets {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .swiftLanguageMode(.v6),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        ]
}
