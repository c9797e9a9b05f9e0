// SPDX-License-Identifier: Apache-2.0

public import Ravioli
package import RavioliSchema

/// What whoever runs an edge decides about REST.
public struct RESTOptions: Sendable {
    /// Rules in YAML, in the form of Google's service configuration; they come before the methods' own. Default none.
    public var rules = ""
    /// How errors call them. Default `rules.yaml`.
    public var rulesName = "rules.yaml"
    /// The title of the API, in its document and on its page. Default `API`.
    public var title = "API"
    /// The version of the API, in its document. Default `1`.
    public var version = "1"
    /// What stands before everything in the document, in Markdown. Default nothing.
    public var summary = ""
    /// Whether `/openapi.json` and the page at `/` are served. Default true.
    public var servesDocument = true
    /// How often a stream that is silent says that it is alive, where its form allows it. Default every 15 s.
    public var heartbeatInterval: Duration = .seconds(15)
    /// Query parameters that are passed over wherever they stand, such as those that proxies add. Default none.
    public var ignoredQueryParameters: Set<String> = []
    /// Whether query parameters that no field has are passed over instead of refused. Default false: a filter that is
    /// spelt wrongly would find everything.
    public var ignoresUnknownQueryParameters = false
    /// Whether the names of enums in paths and queries may be in any case. Default false.
    public var acceptsEnumsInAnyCase = false
    /// How many parameters a query may have. Default 512. Above it: 400.
    public var queryParametersMax = 512
    // What holds for all protocols; an edge fills it in.

    /// How answers are printed as JSON.
    package var jsonEncoding = JSONEncodingOptions.defaults
    /// How bodies are read.
    package var jsonDecoding = JSONDecodingOptions.defaults
    /// What a message and its JSON may cost.
    package var limits = SchemaLimits.defaults

    /// The defaults.
    public static var defaults: RESTOptions { RESTOptions() }

    /// The documented defaults.
    public init() {}

    /// Takes the rules from a file.
    ///
    /// - Throws: `invalidConfiguration` for one that cannot be read.
    public mutating func readRules(fromFile path: String) throws(RuntimeError) {
        rules = try SmallFile.text(path)
        rulesName = path
    }
}
