// SPDX-License-Identifier: Apache-2.0

package import Logging
package import Ravioli
import RavioliSchema
import Showroom
package import ShowroomContracts

package import struct Foundation.Date

/// Serves the stock over RPC. Its methods wait for the database without holding a thread: GRDB runs them on
/// threads of its own, so the event loop that a call came in on is free meanwhile.
package struct CatalogServer: CatalogService {
    private let store: CatalogStore
    private let answering: Answering

    /// - Parameters:
    ///   - clock: Tells the time of day; tests make it up.
    ///   - logger: Is told what callers are not: why the database failed.
    package init(
        store: CatalogStore, clock: @escaping @Sendable () -> Date = { Date() }, logger: Logger
    ) {
        self.store = store
        answering = Answering(clock: clock, logger: logger)
    }

    package func getVehicle(_ request: GetVehicleRequest, context: CallContext) async throws -> Vehicle {
        try await answering { now in
            Vehicle(try await store.vehicle(vin: request.vin), at: now)
        }
    }

    package func batchGetVehicles(
        _ request: BatchGetVehiclesRequest, context: CallContext
    ) async throws -> BatchGetVehiclesResponse {
        try await answering { now in
            let (found, missing) = try await store.vehicles(vins: request.vins)
            return BatchGetVehiclesResponse(
                vehicles: found.map { Vehicle($0, at: now) }, missingVins: missing)
        }
    }

    package func searchVehicles(
        _ request: SearchVehiclesRequest, context: CallContext
    ) async throws -> SearchVehiclesResponse {
        try await answering { now in
            let page = try await store.search(
                try VehicleQuery(request), pageSize: Int(request.pageSize), pageToken: request.pageToken,
                countsAll: request.includeTotal, at: now)
            return SearchVehiclesResponse(
                vehicles: page.vehicles.map { Vehicle($0, at: now) }, nextPageToken: page.nextPageToken,
                total: page.total.map { Int32(clamping: $0) })
        }
    }

    package func addVehicle(_ request: AddVehicleRequest, context: CallContext) async throws -> Vehicle {
        try await answering { now in
            Vehicle(try await store.add(try VehicleFacts(required: request.vehicle), at: now), at: now)
        }
    }

    package func updateVehicle(_ request: UpdateVehicleRequest, context: CallContext) async throws -> Vehicle
    {
        try await answering { now in
            let values = try VehicleFacts(required: request.vehicle)
            let update = try VehicleUpdate(values, paths: request.updateMask?.paths ?? [])
            return Vehicle(
                try await store.update(
                    vin: values.vin, update, expectedVersion: request.expectedVersion, at: now),
                at: now)
        }
    }

    package func reserveVehicle(
        _ request: ReserveVehicleRequest, context: CallContext
    ) async throws
        -> Vehicle
    {
        try await answering { now in
            Vehicle(
                try await store.reserve(
                    vin: request.vin, expectedVersion: request.expectedVersion, holder: request.holder,
                    duration: request.duration.map(Duration.init), at: now),
                at: now)
        }
    }

    package func releaseVehicle(
        _ request: ReleaseVehicleRequest, context: CallContext
    ) async throws
        -> Vehicle
    {
        try await answering { now in
            Vehicle(
                try await store.release(
                    vin: request.vin, expectedVersion: request.expectedVersion, holder: request.holder,
                    at: now),
                at: now)
        }
    }
}

extension CatalogError: RPCErrorConvertible {
    /// The status for it, as `catalog.proto` lists them.
    package var rpcError: RPCError {
        switch self {
        case .notFound(let vin):
            RPCError(.notFound, "no vehicle has the VIN \(vin)")
        case .alreadyExists(let vin):
            RPCError(.alreadyExists, "another vehicle with the VIN \(vin) is in stock")
        case .versionConflict(let vin, let expected, let actual):
            RPCError(
                .aborted, "vehicle \(vin) has version \(actual) by now, not \(expected)",
                details: .of(VersionConflict(vin: vin, expectedVersion: expected, actualVersion: actual)))
        case .held(let vin, let until):
            RPCError(
                .failedPrecondition, "somebody else holds vehicle \(vin)",
                details: .of(VehicleHeld(vin: vin, expiresAt: Google_Protobuf_Timestamp(until))))
        }
    }
}
