// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser

extension ArgumentHelp {
    /// For the `--listen` of every service.
    package static var listen: ArgumentHelp {
        ArgumentHelp(
            """
            Where to listen: HOST:PORT, or unix:PATH for a socket file. With port 0 the system chooses; the line \
            "listening on ADDRESS" on standard output says where it is.
            """, valueName: "address")
    }

    /// For the `--database` of every service.
    package static var database: ArgumentHelp {
        ArgumentHelp("The SQLite file; created if it does not exist.", valueName: "path")
    }
}
