// swift-tools-version: 6.2

import PackageDescription

let package = Package(
    name: "ravioli",
    products: [
        .library(name: "RavioliWire", targets: ["RavioliWire"]),
        .library(name: "RavioliSchema", targets: ["RavioliSchema"]),
        .library(name: "Ravioli", targets: ["Ravioli"]),
        .executable(name: "protoc-gen-ravioli", targets: ["protoc-gen-ravioli"]),
        .plugin(name: "RavioliPlugin", targets: ["RavioliPlugin"]),
        .plugin(name: "RavioliGeneratePlugin", targets: ["RavioliGeneratePlugin"]),
        .library(name: "RavioliEdge", targets: ["RavioliEdge"]),
        .library(name: "RavioliTesting", targets: ["RavioliTesting"]),
        .executable(name: "ravioli", targets: ["ravioli-cli"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.0"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log.git", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle.git", from: "2.13.0"),
        .package(url: "https://github.com/groue/GRDB.swift.git", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-crypto.git", "3.0.0"..<"6.0.0"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-http-types.git", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-nio-extras.git", from: "1.20.0"),
        .package(url: "https://github.com/jpsim/Yams.git", from: "6.0.0"),
        .package(url: "https://github.com/vapor/jwt-kit.git", from: "5.7.1"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.30.0"),
        // For tests alone, which make their certificates themselves.
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.10.0"),
    ],
    targets: [
        // MARK: Messages
        .systemLibrary(
            name: "CProtobufC",
            pkgConfig: "libprotobuf-c",
            providers: [.apt(["libprotobuf-c-dev"]), .brew(["protobuf-c"])]
        ),
        .target(name: "RavioliSchema", dependencies: ["CProtobufC"]),
        .testTarget(
            name: "RavioliSchemaTests", dependencies: ["BlockingTests", "RavioliSchema"],
            exclude: ["Protos", "README.md"]),

        // MARK: Code generation
        .target(name: "RavioliCodeGen", dependencies: ["RavioliSchema"]),
        .executableTarget(name: "protoc-gen-ravioli", dependencies: ["RavioliCodeGen", "RavioliSchema"]),
        .plugin(name: "RavioliPlugin", capability: .buildTool(), dependencies: ["protoc-gen-ravioli"]),
        .plugin(
            name: "RavioliGeneratePlugin",
            capability: .command(
                intent: .custom(
                    verb: "generate", description: "Generate Swift from the .proto files of the targets"),
                permissions: [
                    .writeToPackageDirectory(reason: "to write what it generates into Generated folders")
                ]),
            dependencies: ["protoc-gen-ravioli"]),
        // Schemas full of names that mean something in Swift: that it compiles is half the test.
        .target(
            name: "CollisionSchemas", dependencies: ["Ravioli", "RavioliSchema"],
            path: "Tests/CollisionSchemas"),
        .testTarget(
            name: "RavioliCodeGenTests",
            dependencies: [
                "BlockingTests", "RavioliCodeGen", "RavioliSchema", "Ravioli", "CollisionSchemas",
                "protoc-gen-ravioli",
            ]),
        .testTarget(name: "ExamplesTests", dependencies: ["BlockingTests"]),
        // Gives tests that wait for programs threads of their own.
        .target(name: "BlockingTests", path: "Tests/BlockingTests"),

        // MARK: Wire and calls
        .target(
            name: "RavioliWire",
            dependencies: [.product(name: "NIOCore", package: "swift-nio")]
        ),
        .testTarget(name: "RavioliWireTests", dependencies: ["BlockingTests", "RavioliWire"]),
        .target(
            name: "Ravioli",
            dependencies: [
                "RavioliWire", "RavioliSchema",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]
        ),
        // An authority that certifies whom the tests need.
        .target(
            name: "TestCertificates",
            dependencies: [
                "Ravioli",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            path: "Tests/TestCertificates"),
        .testTarget(
            name: "RavioliTests",
            dependencies: [
                "BlockingTests", "Ravioli", "RavioliWire", "RavioliSchema", "TestCertificates",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "SwiftASN1", package: "swift-asn1"),
                .product(name: "X509", package: "swift-certificates"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["TTRPCGo"]
        ),

        // MARK: Time, network and failure under control
        .target(
            name: "RavioliTesting",
            dependencies: [
                "Ravioli", "RavioliSchema", "RavioliWire",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .testTarget(
            name: "RavioliTestingTests",
            dependencies: ["BlockingTests", "Ravioli", "RavioliTesting", "RavioliWire", "TestCertificates"]),

        // MARK: The edge and the command line
        .systemLibrary(
            name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .target(
            name: "RavioliEdge",
            dependencies: [
                "CZlib", "Ravioli", "RavioliSchema",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOExtras", package: "swift-nio-extras"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.embedInCode("OpenAPI/Resources/page.html")]
        ),
        .executableTarget(
            name: "ravioli-cli",
            dependencies: [
                "Ravioli", "RavioliSchema", "RavioliEdge",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        // A service and its fake server, for the tests of both.
        .target(
            name: "EdgeSchemas",
            dependencies: ["Ravioli", "RavioliSchema", .product(name: "Logging", package: "swift-log")],
            path: "Tests/EdgeSchemas"),
        .testTarget(
            name: "RavioliEdgeTests",
            dependencies: [
                "BlockingTests", "RavioliEdge", "EdgeSchemas", "Ravioli", "RavioliSchema",
                "ShowroomContracts",
                "TestCertificates",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "X509", package: "swift-certificates"),
            ],
            exclude: ["Interop", "OpenAPI/Golden"]
        ),
        .testTarget(
            name: "RavioliCLITests",
            dependencies: [
                "BlockingTests", "EdgeSchemas", "Ravioli", "RavioliSchema", "TestCertificates", "ravioli-cli",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),

        // MARK: Showroom, the reference system
        .target(name: "ShowroomContracts", dependencies: ["Ravioli", "RavioliSchema"]),
        .target(
            name: "Showroom",
            dependencies: [
                "Ravioli", "RavioliSchema", "ShowroomContracts",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]
        ),
        .testTarget(name: "ShowroomTests", dependencies: ["Showroom", "Ravioli", "RavioliSchema"]),
        .target(
            name: "ShowroomCatalog",
            dependencies: [
                "Ravioli", "RavioliSchema", "Showroom", "ShowroomContracts",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            exclude: ["Resources/README.md"],
            resources: [.embedInCode("Resources/models.csv")]
        ),
        .executableTarget(
            name: "showroom-catalog",
            dependencies: [
                "Ravioli", "Showroom", "ShowroomCatalog",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "ShowroomCatalogTests",
            dependencies: [
                "ShowroomCatalog", "Showroom", "ShowroomContracts", "Ravioli", "RavioliSchema",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .target(
            name: "ShowroomPricing",
            dependencies: [
                "Ravioli", "RavioliSchema", "Showroom", "ShowroomContracts",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .executableTarget(
            name: "showroom-pricing",
            dependencies: [
                "Ravioli", "Showroom", "ShowroomContracts", "ShowroomPricing",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        .testTarget(
            name: "ShowroomPricingTests",
            dependencies: [
                "ShowroomPricing", "Showroom", "ShowroomContracts", "Ravioli", "RavioliSchema",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        // The built executables as processes; they are dependencies so that they are built first.
        .testTarget(
            name: "ShowroomEndToEndTests",
            dependencies: [
                "BlockingTests", "showroom-catalog", "showroom-pricing", "ravioli-cli", "Ravioli",
                "RavioliSchema", "Showroom",
                "ShowroomCatalog", "ShowroomContracts", "ShowroomPricing", "TestCertificates",
                .product(name: "Logging", package: "swift-log"),
            ]
        ),

        // MARK: The house
        .testTarget(name: "HouseTests", dependencies: ["BlockingTests"]),
        .testTarget(
            name: "DemoTests",
            dependencies: ["BlockingTests", "ravioli-cli", "showroom-catalog", "showroom-pricing"]),
    ]
)

// Every Swift target is built alike, so the rules of the house stand in one place:
// SE-0335 (explicit existentials), SE-0409 (internal imports), SE-0444 (member import visibility),
// SE-0461 (nonisolated async functions run on the caller's executor).
for target in package.targets where target.type != .system && target.type != .plugin {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            .swiftLanguageMode(.v6),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("InternalImportsByDefault"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            .treatAllWarnings(as: .error),
        ]
}
