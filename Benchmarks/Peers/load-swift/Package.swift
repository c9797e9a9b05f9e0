// swift-tools-version: 6.2

import PackageDescription

// What the load clients written in Swift have in common. Without dependencies, because each peer's package uses it.
let package = Package(
    name: "load-swift",
    platforms: [.macOS("26.0")],
    products: [.library(name: "LoadDriver", targets: ["LoadDriver"])],
    targets: [
        .target(
            name: "LoadDriver",
            swiftSettings: [
                .swiftLanguageMode(.v6),
                .enableUpcomingFeature("ExistentialAny"),
                .enableUpcomingFeature("InternalImportsByDefault"),
                .enableUpcomingFeature("MemberImportVisibility"),
                .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
            ])
    ]
)
