// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// The connection of HTTP/1.1, or the stream of HTTP/2, that requests come by. Loop only.
protocol ExchangeTransport: AnyObject {
    /// Whether the client takes what is written.
    var isWritable: Bool { get }
    /// Writes a part of a response. It is the last thing that is done for the part: the next request may begin within.
    func write(_ part: ResponsePart)
    /// The request's body has room again.
    func readOn()
    /// Ends it, whatever runs.
    func close()
}
