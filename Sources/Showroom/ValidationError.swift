// SPDX-License-Identifier: Apache-2.0

/// A request whose fields were refused, with every field that is wrong.
package struct ValidationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One thing that is wrong with one field.
    package struct Violation: Sendable, Hashable {
        /// The field's path in the schema's spelling, such as `vehicle.price.currency` or `vins[3]`.
        package let field: String

        /// What is wrong, as a clause that follows the field's name: "must not be empty".
        package let problem: String

        package init(_ field: String, _ problem: String) {
            self.field = field
            self.problem = problem
        }
    }

    /// In the order in which the fields were checked; never empty, and at most `violationsMax`.
    package let violations: [Violation]

    /// What a status can carry in its details, which hold 8 KiB.
    package static let violationsMax = 40

    /// The error for one wrong field.
    package init(_ field: String, _ problem: String) {
        violations = [Violation(field, problem)]
    }

    init(violations: [Violation]) {
        self.violations = Array(violations.prefix(Self.violationsMax))
    }

    package var description: String {
        violations.map { "\($0.field) \($0.problem)" }.joined(separator: "; ")
    }
}

/// Collects what is wrong with a request, so that all of it can be told at once.
package struct Validation: Sendable {
    private var violations: [ValidationError.Violation] = []

    package init() {}

    /// Notes that `field` is wrong unless `condition` holds.
    package mutating func require(_ condition: Bool, _ field: String, _ problem: @autoclosure () -> String) {
        if !condition, violations.count < ValidationError.violationsMax {
            violations.append(.init(field, problem()))
        }
    }

    /// Notes that `field` is wrong unless `value` lies in `range`.
    package mutating func require<Value: Comparable>(
        _ value: Value, in range: ClosedRange<Value>, _ field: String
    ) {
        require(
            range.contains(value), field,
            "must be from \(range.lowerBound) to \(range.upperBound), not \(value)")
    }

    /// Notes that `field` is wrong unless the text has a number of characters that lies in `lengths`.
    package mutating func require(length lengths: ClosedRange<Int>, of text: String, _ field: String) {
        if text.isEmpty {
            require(lengths.contains(0), field, "must not be empty")
        } else {
            require(
                lengths.contains(text.count), field,
                "must have at most \(lengths.upperBound) characters, not \(text.count)")
        }
    }

    /// Takes over what another check found.
    package mutating func append(_ error: ValidationError) {
        violations += error.violations
    }

    /// Checks what needs no validation of its own beside it.
    ///
    /// - Throws: `ValidationError`, if `body` noted anything.
    package static func check(_ body: (inout Validation) -> Void) throws(ValidationError) {
        var validation = Validation()
        body(&validation)
        try validation.check()
    }

    /// Throws everything that was noted.
    ///
    /// - Throws: `ValidationError`, if anything is wrong.
    package func check() throws(ValidationError) {
        if !violations.isEmpty {
            throw ValidationError(violations: violations)
        }
    }
}
