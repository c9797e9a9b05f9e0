// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Ravioli
import RavioliSchema

struct ListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Lists the services of a server.",
        discussion: """
            Examples:
              ravioli list 127.0.0.1:7001
              ravioli list unix:/run/catalog.sock --json
            """)

    @OptionGroup var arguments: ServerArguments

    @Flag(help: "Print a JSON array; errors, too, are printed as JSON.")
    var json = false

    func run() async throws {
        let result = await withFailure {
            try await arguments.withClient {
                try await ServerSchema($0, timeout: arguments.timeout.duration).services()
            }
        }
        switch result {
        case .success(let names):
            let array = "[\(names.map(JSONText.quoted).joined(separator: ","))]"
            Terminal.answer(json ? PrettyJSON.print(array) : names.joined(separator: "\n"))
        case .failure(let failure): throw Terminal.exit(failure, asJSON: json)
        }
    }
}
