// SPDX-License-Identifier: Apache-2.0

public import RavioliSchema

/// Something a server can serve: the methods of one service.
///
/// Generated service protocols refine it; implement those instead. By hand it serves schemas without generated code,
/// with handlers on encoded messages.
public protocol Service: Sendable {
    /// The service's schema, which reflection tells.
    var descriptor: ServiceDescriptor { get }
    /// Its methods.
    var methods: [MethodHandler] { get }
}
