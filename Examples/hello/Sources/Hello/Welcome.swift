// SPDX-License-Identifier: Apache-2.0

import Ravioli

/// Greets all guests of a party in one line. Those that the greeter refuses are left out.
package func welcome(_ guests: [String], through greeter: GreeterClient) async throws(RPCError) -> String {
    var greetings: [String] = []
    for guest in guests {
        do {
            greetings.append(try await greeter.greet(GreetRequest(name: guest, language: .italian)).text)
        } catch let error where error.code == .invalidArgument {
            continue
        }
    }
    return greetings.joined(separator: " ")
}
