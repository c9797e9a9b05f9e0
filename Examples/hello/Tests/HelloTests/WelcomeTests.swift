// SPDX-License-Identifier: Apache-2.0

import Hello
import Ravioli
import Testing

@Test func welcomeAsksInItalian() async throws {
    let greeter = GreeterFake()
    greeter.onGreet { request, _ in Greeting(text: "Ciao, \(request.name)!") }

    let line = try await welcome(["Ada", "Grace"], through: greeter.client)

    #expect(line == "Ciao, Ada! Ciao, Grace!")
    #expect(greeter.greetCalls.map(\.name) == ["Ada", "Grace"])
    #expect(greeter.greetCalls.allSatisfy { $0.language == .italian })
}

@Test func refusedGuestIsLeftOut() async throws {
    let greeter = GreeterFake()
    greeter.onGreet { request, _ in
        guard !request.name.isEmpty else { throw RPCError(.invalidArgument, "nobody") }
        return Greeting(text: request.name)
    }

    #expect(try await welcome(["", "Ada"], through: greeter.client) == "Ada")
}

@Test func unsetMethodSaysItsName() async {
    let error = await #expect(throws: RPCError.self) {
        try await welcome(["Ada"], through: GreeterFake().client)
    }
    #expect(error?.code == .unimplemented && error?.message == "GreeterFake.greet is not set")
}
