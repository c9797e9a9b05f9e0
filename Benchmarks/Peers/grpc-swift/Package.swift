// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that Benchmarks/Package.swift does not resolve what only this peer needs.
let package = Package(
    name: "grpc-swift-peer",
    platforms: [.macOS("26.0")],
    dependencies: [
        .package(path: "../load-swift"),
        .package(url: "https://github.com/grpc/grpc-swift-2.git", exact: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport.git", exact: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf.git", exact: "2.4.1"),
        .package(url: "https://github.com/apple/swift-protobuf.git", from: "1.33.0"),
    ],
    targets: [
        .target(
            name: "LoadSchema",
            dependencies: [
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCProtobuf", package: "grpc-swift-protobuf"),
                .product(name: "SwiftProtobuf", package: "swift-protobuf"),
            ]),
        .executableTarget(
            name: "grpc-swift-server",
            dependencies: [
                "LoadSchema",
                .product(name: "LoadDriver", package: "load-swift"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
            ]),
        .executableTarget(
            name: "grpc-swift-client",
            dependencies: [
                "LoadSchema",
                .product(name: "LoadDriver", package: "load-swift"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2Posix", package: "grpc-swift-nio-transport"),
            ]),
    ]
)
