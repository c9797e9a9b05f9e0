// SPDX-License-Identifier: Apache-2.0

package import HTTPTypes
package import Ravioli

/// A request as the guards see it: everything but its body.
package struct Visit: Sendable {
    package let head: HTTPRequest
    package let requestID: String
    package let connection: Exchange.Connection
    /// Whose request it is, behind trusted proxies too; nil for a socket file.
    package let clientAddress: String?
    /// The path, split and decoded; nil if it is malformed. Read anew each time: most requests need none.
    package var path: EdgePath? { EdgePath(head.path ?? "") }
    /// What the request is for; nil for the guards that look before it is routed.
    package var target: Target?
    /// What guards have verified about the caller. It goes along with the call whatever the allow-list says, and a
    /// header of the same name never does.
    package var verified: Metadata
    /// The claims of a verified token.
    package var claims: [String: ClaimValue]?
    /// What the client is told about its limits, whoever answers.
    package var limits = LimitNotice()

    package init(_ exchange: Exchange, clientAddress: String?) {
        self.clientAddress = clientAddress
        head = exchange.head
        requestID = exchange.requestID
        connection = exchange.connection
        verified = Self.verified(connection)
    }

    /// What is known of the caller before any guard has looked.
    static func verified(_ connection: Exchange.Connection) -> Metadata {
        var verified = Metadata()
        if let identity = connection.identity { verified.add("ravioli-client-identity", identity) }
        return verified
    }
}

/// What a guard says.
package enum GuardVerdict: Sendable {
    /// The next one decides; the fields are added to the response whoever answers.
    case pass(HTTPFields)
    /// The call is refused; the client hears it in its own protocol, with these fields.
    case refuse(RPCError, HTTPFields)
    /// This is the answer.
    case answer(EdgeAnswer)
}

/// One of those who look at each request before it is served, in order: cross-origin rules, which look before it is routed,
/// and then limits, identity, and limits by identity.
package protocol DoorGuard: Sendable {
    /// Looks at a request. May add to ``Visit/verified``.
    func look(at visit: inout Visit) async -> GuardVerdict
}
