// SPDX-License-Identifier: Apache-2.0

public import Ravioli

/// Which aggregation plans an edge serves, and what one of their answers may cost. See <doc:Plans>.
public struct PlanOptions: Sendable, Hashable {
    /// A file of plans.
    public struct File: Sendable, Hashable {
        /// How errors and the log call it, as `vehicle-page.yaml`.
        public var name: String
        /// Its text, in YAML.
        public var yaml: String

        /// A file by its name and text.
        public init(name: String, yaml: String) {
            self.name = name
            self.yaml = yaml
        }

        /// Reads a file.
        ///
        /// - Throws: `invalidConfiguration` for one that cannot be read.
        public init(contentsOfFile path: String) throws(RuntimeError) {
            self.init(name: path, yaml: try SmallFile.text(path))
        }
    }

    /// The plans. Default none.
    public var files: [File] = []
    /// How long a plan may take that says nothing else. Default 5 s. What the client gives it counts as well.
    public var timeout: Duration = .seconds(5)
    /// Steps of one plan, 1 to 32. Default 32. A plan with more keeps the edge from starting.
    public var stepsMax = 32
    /// Calls of one answer, those of `each` counted singly, equal ones too. Default 256. A step that would exceed it
    /// fails with `resource_exhausted`.
    public var callsMax = 256
    /// Calls of one answer that are out at the same time. Default 32. Others wait for their turn.
    public var parallelMax = 32
    /// What the responses of one answer may have together, in bytes. Default 8 MiB. A step whose response would exceed it
    /// fails with `resource_exhausted`; so does an answer of more than four times that, as JSON.
    public var bytesMax = 8 << 20

    /// The defaults.
    public static var defaults: PlanOptions { PlanOptions() }

    /// The defaults.
    public init() {}

    /// Checks each value.
    ///
    /// - Throws: `invalidConfiguration`, naming what does not hold.
    public func check() throws(RuntimeError) {
        try require(
            timeout > .zero && timeout <= .seconds(600), "timeout is positive, and 10 minutes at most")
        try require((1...32).contains(stepsMax), "stepsMax is 1 to 32")
        try require((1...10_000).contains(callsMax), "callsMax is 1 to 10000")
        try require((1...1_000).contains(parallelMax), "parallelMax is 1 to 1000")
        try require(bytesMax >= 1024 && bytesMax <= 1 << 28, "bytesMax is 1 KiB to 256 MiB")
    }

    private func require(_ holds: Bool, _ relation: String) throws(RuntimeError) {
        if !holds { throw RuntimeError(.invalidConfiguration, "plan options: " + relation) }
    }
}
