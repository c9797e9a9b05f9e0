// SPDX-License-Identifier: Apache-2.0

package import Ravioli
package import RavioliSchema

/// The library behind the edge in its tests: most methods answer what they were asked.
package final class LibraryServer: LibraryService {
    package init() {}

    package func getVolume(_ request: GetVolumeRequest, context: CallContext) async throws -> Volume {
        if request.name == "volumes/none" { throw RPCError(.notFound, "no such volume", executed: .no) }
        return Volume(name: request.name, pages: request.edition)
    }

    package func searchVolumes(
        _ request: SearchVolumesRequest, context: CallContext
    ) async throws -> SearchVolumesResponse {
        let volumes = (0..<min(max(request.pageSize, 0), 1000)).map {
            Volume(name: "\(request.shelf)/\($0)", tags: request.tags)
        }
        return SearchVolumesResponse(volumes: volumes, nextPageToken: request.filter?.author ?? "")
    }

    package func createVolume(_ request: CreateVolumeRequest, context: CallContext) async throws -> Volume {
        request.volume ?? Volume()
    }

    /// Answers the paths of the mask as tags.
    package func updateVolume(_ request: UpdateVolumeRequest, context: CallContext) async throws -> Volume {
        var volume = request.volume ?? Volume()
        volume.tags = request.updateMask?.paths ?? []
        return volume
    }

    package func deleteVolume(
        _ request: GetVolumeRequest, context: CallContext
    ) async throws -> Google_Protobuf_Empty { Google_Protobuf_Empty() }

    package func lendVolume(
        _ request: LendVolumeRequest, context: CallContext
    ) async throws -> LendVolumeResponse { LendVolumeResponse() }

    package func listTitles(
        _ request: ListTitlesRequest, context: CallContext
    ) async throws -> ListTitlesResponse { ListTitlesResponse(titles: [request.shelf, "Other"]) }

    package func getFile(_ request: GetFileRequest, context: CallContext) async throws -> HttpBody {
        HttpBody(contentType: "text/csv", data: Array("\(request.path),1\n".utf8))
    }

    package func putFile(
        _ request: PutFileRequest, context: CallContext
    ) async throws -> Google_Protobuf_Empty { Google_Protobuf_Empty() }

    /// Two events; on the shelf `broken` an error after them, on `closed` one before, on `slow` silence until the end.
    package func watchShelf(
        _ request: WatchShelfRequest, responses: MessageWriter<ShelfEvent>, context: CallContext
    ) async throws {
        if request.shelf == "closed" { throw RPCError(.permissionDenied, "the shelf is closed") }
        try await responses.send(ShelfEvent(event: .added(Volume(title: "A"))))
        try await responses.send(ShelfEvent(event: .removed("B")))
        if request.shelf == "broken" { throw RPCError(.dataLoss, "the shelf broke") }
        // Ends by cancellation only; the bound is for a test that went wrong.
        if request.shelf == "slow" { try await Task.sleep(for: .seconds(60)) }
    }

    package func checkShelf(
        _ request: WatchShelfRequest, context: CallContext
    ) async throws -> Google_Protobuf_Empty { Google_Protobuf_Empty() }

    package func every(_ request: EveryKind, context: CallContext) async throws -> EveryKind { request }

    package func chat(
        _ requests: MessageStream<WatchShelfRequest>, responses: MessageWriter<ShelfEvent>,
        context: CallContext
    ) async throws {
        for try await request in requests {
            try await responses.send(ShelfEvent(event: .removed(request.shelf)))
        }
    }
}
