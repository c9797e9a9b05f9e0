// SPDX-License-Identifier: Apache-2.0

// The rest of this module is generated from the schema when the peer is built. The names are swift-protobuf's.
@_exported import GRPCCore
