// SPDX-License-Identifier: Apache-2.0

public import ArgumentParser
public import Ravioli

/// So that `--listen 127.0.0.1:7001` and `--listen unix:/run/catalog.sock` read as addresses.
extension Address: ExpressibleByArgument {
    /// `nil` if the text is neither `HOST:PORT` nor `unix:PATH`.
    public init?(argument: String) {
        self.init(argument)
    }

    /// How help texts show a default.
    public var defaultValueDescription: String { description }
}
