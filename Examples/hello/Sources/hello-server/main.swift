// SPDX-License-Identifier: Apache-2.0

import Hello
import Logging
import Ravioli
import ServiceLifecycle

struct PoliteGreeter: GreeterService {
    func greet(_ request: GreetRequest, context: CallContext) async throws -> Greeting {
        guard !request.name.isEmpty else { throw RPCError(.invalidArgument, "whom should I greet?") }
        let hello = request.language == .italian ? "Ciao" : "Hello"
        return Greeting(text: "\(hello), \(request.name)!")
    }
}

guard let address = Address(CommandLine.arguments.dropFirst().first ?? "127.0.0.1:7070") else {
    fatalError("usage: hello-server [HOST:PORT]")
}
let logger = Logger(label: "hello-server")
let server = try Server([PoliteGreeter()], on: address, logger: logger)
try await ServiceGroup(services: [server], gracefulShutdownSignals: [.sigint, .sigterm], logger: logger).run()
