// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

/// What whoever runs an edge decides about REST.
public struct RESTOptions: Sendable {
    /// Query parameters that are passed over wherever they stand, such as those that proxies add. Default none.
    public var ignoredQueryParameters: Set<String> = []
    /// Whether query parameters that no field has are passed over instead of refused. Default false: a filter that is
    /// spelt wrongly would find everything.
    public var ignoresUnknownQueryParameters = false
    /// Whether the names of enums in paths and queries may be in any case. Default false.
    public var acceptsEnumsInAnyCase = false
    /// How many parameters a query may have. Default 512. Above it: 400.
    public var queryParametersMax = 512
    /// How answers are printed as JSON. Default: as the ProtoJSON guide asks.
    public var jsonEncoding = JSONEncodingOptions.defaults
    /// How bodies are read. Default: strictly.
    public var jsonDecoding = JSONDecodingOptions.defaults
    /// What a message and its JSON may cost.
    public var limits = SchemaLimits.defaults

    /// The defaults.
    public static var defaults: RESTOptions { RESTOptions() }

    /// The documented defaults.
    public init() {}
}
