// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "hello",
    dependencies: [
        .package(name: "ravioli", path: "../.."),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
    ],
    targets: [
        .target(
            name: "Hello", dependencies: [.product(name: "Ravioli", package: "ravioli")],
            plugins: [.plugin(name: "RavioliPlugin", package: "ravioli")]),
        .executableTarget(
            name: "hello-server",
            dependencies: [
                "Hello", .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(name: "hello-client", dependencies: ["Hello"]),
        .testTarget(name: "HelloTests", dependencies: ["Hello"]),
    ]
)
