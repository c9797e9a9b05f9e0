// SPDX-License-Identifier: Apache-2.0

/// Something a server can serve: the methods of one service.
///
/// Generated service protocols refine it; implement those instead.
public protocol Service: Sendable {
    /// The service's full name, `package.Service`.
    var name: String { get }
    /// Its methods.
    var methods: [MethodHandler] { get }
}
