// SPDX-License-Identifier: Apache-2.0

import Hello
import Ravioli

let arguments = CommandLine.arguments.dropFirst()
guard let address = Address(arguments.first ?? "127.0.0.1:7070") else {
    fatalError("usage: hello-client [HOST:PORT [NAME]…]")
}
let guests = arguments.count > 1 ? Array(arguments.dropFirst()) : ["Ada", "Grace"]
let line = try await withClient(address) { client in
    try await welcome(guests, through: GreeterClient(client))
}
print(line)
