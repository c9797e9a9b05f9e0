// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

@main
struct RavioliCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ravioli",
        abstract: "Calls Ravioli services, shows what they offer, and puts a JSON edge in front of them.",
        discussion: """
            Servers tell their schemas themselves, so no .proto files and no generated code \
            are needed.

            Examples:
              ravioli list 127.0.0.1:7001
              ravioli describe 127.0.0.1:7001 showroom.catalog.v1.Catalog
              ravioli call 127.0.0.1:7001 showroom.catalog.v1.Catalog/GetVehicle \\
                -d '{"vin": "1HGCM82633A004352"}'
              ravioli edge --listen 127.0.0.1:8080 --upstream 127.0.0.1:7001

            Exit codes:
              0    it succeeded
              1    anything not in this table
              64   the command line is wrong
              65   the request is no message of the method's type
              66   the file with the request cannot be read
              100 and more: the call ended with this status
              101  canceled             109  failed_precondition
              102  unknown              110  aborted
              103  invalid_argument     111  out_of_range
              104  deadline_exceeded    112  unimplemented, also an unknown name
              105  not_found            113  internal
              106  already_exists       114  unavailable, also a wrong address
              107  permission_denied    115  data_loss
              108  resource_exhausted   116  unauthenticated
            """,
        subcommands: [CallCommand.self, ListCommand.self, DescribeCommand.self, EdgeCommand.self])
}
