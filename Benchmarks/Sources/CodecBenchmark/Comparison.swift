// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import SwiftProtobuf

/// Both libraries in one process, on an order and on a sample.
enum Comparison {
    static let messages = 20_000
    static let largeMessages = 200

    static let order = Order(
        id: "ord-2026-000184467", vin: "1M8GDM9AXKP042788", make: "Volkswagen",
        model: "Transporter T6.1 Kombi",
        year: 2019, colour: "indium grey metallic",
        buyer: Party(name: "Annegret Zimmermann", email: "a.zimmermann@example.org", loyaltyPoints: 1820),
        seller: Party(name: "Autohaus Süd GmbH", email: "verkauf@example.com", loyaltyPoints: 3),
        price: Money(currency: "EUR", minorUnits: 2_649_000),
        deposit: Money(currency: "EUR", minorUnits: 150_000),
        features: ["heated seats", "tow bar", "adaptive cruise control"],
        serviceYears: [2020, 2021, 2022, 2023],
        labels: ["channel": "web", "campaign": "spring-2026", "dealer": "muc-04"], financed: true,
        mileageKm: 61234.5, createdAt: 1_790_000_000_123,
        note: "Winter tyres included, second key at the front desk")

    static let sample = Sample(payload: (0..<64).map { 7 &* $0 &+ 1 }, sequence: 184_467)

    static func run(rounds: Int) throws {
        try compare(order, with: Ravioli_Benchmark_V1_Order.self, rounds)
        try compare(sample, with: Ravioli_Benchmark_V1_Sample.self, rounds)
        try large(rounds)
    }

    @inline(__always)
    private static func compare<Ours: RavioliSchema.Message, Theirs: SwiftProtobuf.Message>(
        _ ours: Ours, with _: Theirs.Type, _ rounds: Int
    ) throws {
        let bytes = try ours.encoded()
        let theirs = try Theirs(serializedBytes: bytes)
        let json = try ours.jsonUTF8Bytes()
        print(
            "\(Ours.self): \(bytes.count) bytes in binary, \(json.count) in JSON; "
                + "nanoseconds, median of \(rounds) rounds")
        try compare("encode", rounds) {
            keep(try ours.encoded())
        } with: {
            let encoded: [UInt8] = try theirs.serializedBytes()
            keep(encoded)
        }
        try compare("decode", rounds) {
            keep(try Ours(decoding: bytes))
        } with: {
            keep(try Theirs(serializedBytes: bytes))
        }
        try compare("to JSON", rounds) {
            keep(try ours.jsonUTF8Bytes())
        } with: {
            let text: [UInt8] = try theirs.jsonUTF8Bytes()
            keep(text)
        }
        try compare("from JSON", rounds) {
            keep(try Ours(jsonUTF8: json))
        } with: {
            keep(try Theirs(jsonUTF8Bytes: json))
        }
    }

    /// Decoding 1 MiB of `bytes` beside copying it.
    private static func large(_ rounds: Int) throws {
        let encoded = try Blob(data: [UInt8](repeating: 7, count: 1 << 20)).encoded()
        var copy = [UInt8](repeating: 0, count: encoded.count)
        var times: [(Double, Double)] = []
        for _ in 0..<rounds {
            let decoding = try time(largeMessages) { keep(try Blob(decoding: encoded)) }
            let copying = time(largeMessages) {
                copy.withUnsafeMutableBytes { target in
                    encoded.withUnsafeBytes { target.copyMemory(from: $0) }
                }
                keep(copy)
            }
            times.append((decoding, copying))
        }
        report("1 MiB of bytes: decode, memcpy", times, ratio: { $0 / $1 }, "x memcpy's time")
    }

    private static func compare(
        _ name: String, _ rounds: Int, _ ours: () throws -> Void, with theirs: () throws -> Void
    ) rethrows {
        var times: [(Double, Double)] = []
        for _ in 0..<rounds { times.append((try time(messages, ours), try time(messages, theirs))) }
        report("\(name): Ravioli, swift-protobuf", times, ratio: { $1 / $0 }, "x swift-protobuf's speed")
    }

    private static func report(
        _ name: String, _ times: [(Double, Double)], ratio: (Double, Double) -> Double, _ unit: String
    ) {
        let medians = (median(times.map(\.0)), median(times.map(\.1)))
        let ratios = times.map(ratio)
        let figures = "\(Int(medians.0)), \(Int(medians.1))"
        let spread = "\(hundredths(ratios.min() ?? 0)) … \(hundredths(ratios.max() ?? 0))"
        print("\(name): \(figures); \(hundredths(median(ratios))) (\(spread)) \(unit)")
    }

    private static func time(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
        let clock = ContinuousClock()
        let elapsed = try clock.measure { for _ in 0..<count { try body() } }
        return elapsed / .nanoseconds(1) / Double(count)
    }

    private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

    private static func hundredths(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
