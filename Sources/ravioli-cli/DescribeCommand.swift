// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Ravioli
import RavioliSchema

struct DescribeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Shows a service or a method, and all messages and enums that it uses.",
        discussion: """
            Examples:
              ravioli describe 127.0.0.1:7001 showroom.catalog.v1.Catalog
              ravioli describe 127.0.0.1:7001 showroom.catalog.v1.Catalog/GetVehicle
              ravioli describe 127.0.0.1:7001 showroom.catalog.v1.Catalog --json | jq '.methods[].name'
            """)

    @OptionGroup var arguments: ServerArguments

    @Argument(help: ArgumentHelp("package.Service or package.Service/Method.", valueName: "name"))
    var name: String

    @Flag(help: "Print JSON; errors, too, are printed as JSON.")
    var json = false

    func run() async throws {
        let parts = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(
            String.init)
        let result = await withFailure {
            try await arguments.withClient { client in
                let schema = ServerSchema(client, timeout: arguments.timeout.duration)
                let service = try await schema.service(parts[0]).0
                guard parts.count == 2 else { return SchemaText(service, methods: service.methods) }
                guard let name = MethodName(name) else { throw Failure.usage("'\(parts[1])' is no method") }
                return SchemaText(service, methods: [try await schema.method(name).0])
            }
        }
        switch result {
        case .success(let text): Terminal.answer(json ? PrettyJSON.print(text.json) : text.proto)
        case .failure(let failure): throw Terminal.exit(failure, asJSON: json)
        }
    }
}
