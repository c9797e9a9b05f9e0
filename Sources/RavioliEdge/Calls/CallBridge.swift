// SPDX-License-Identifier: Apache-2.0
//
// Runs a call that came over HTTP on the channel of its service. It knows nothing of protocols and HTTP: messages and
// metadata in, messages and metadata out.

import NIOCore
import Ravioli
import RavioliSchema

/// Where a call with streams puts what it gets.
protocol CallOutput: Sendable {
    /// The metadata that goes ahead, once, before the first message.
    func begin(_ metadata: Metadata)
    /// A message.
    func send(_ message: ByteBuffer) async throws(RPCError)
}

/// One call on its way through the edge.
struct CallBridge: Sendable {
    let edge: Edge
    let route: Route
    let codec: MessageCodec
    let metadata: Metadata
    let deadline: Deadline

    private var follower: SchemaFollower { edge.followers[route.upstream] }

    private func transcoding(_ route: Route) -> MessageTranscoding {
        MessageTranscoding(codec, route, options: edge.options)
    }

    // MARK: Unary

    /// Runs a unary call.
    func unary(_ message: ByteBuffer) async throws(RPCError) -> (ByteBuffer, ResponseMetadata) {
        let (bytes, route) = try await encoded(message)
        return try await unary(bytes, route)
    }

    /// Runs a unary call whose request is on the wire already.
    func unary(_ bytes: [UInt8], _ route: Route) async throws(RPCError) -> (ByteBuffer, ResponseMetadata) {
        var call = UnaryRequest(route.name, message: bytes)
        call.deadline = deadline
        call.metadata = metadata
        do throws(RPCError) {
            let response = try await follower.upstream.channel.unary(call)
            let message = try transcoding(route).response(response.message)
            return (message, ResponseMetadata(response.metadata, rules: edge.options.responseHeaders))
        } catch {
            noteDoubt(error)
            throw error
        }
    }

    /// The request on the wire, by the newest schema: the client may know one that the edge does not know yet.
    func encoded(_ message: ByteBuffer) async throws(RPCError) -> ([UInt8], Route) {
        var route = route
        if follower.isDoubtful {
            await edge.refresh(paced: true)
            route = edge.current(route)
        }
        do throws(RPCError) {
            return (try transcoding(route).request(message), route)
        } catch {
            await edge.refresh(paced: true)
            let newer = edge.current(route)
            guard newer.method !== route.method else { throw error }
            return (try transcoding(newer).request(message), newer)
        }
    }

    private func noteDoubt(_ error: RPCError) {
        if error.code == .unavailable || error.code == .unimplemented { follower.doubt() }
    }

    // MARK: Streams

    /// Runs a call with one request and a stream of responses. Returns the metadata of its end.
    func serverStream(_ message: ByteBuffer, into output: any CallOutput) async throws(RPCError) -> Metadata {
        let (bytes, route) = try await encoded(message)
        var request = StreamRequest(route.name, request: bytes)
        request.call.deadline = deadline
        request.call.metadata = metadata
        let call = follower.upstream.channel.stream(request)
        defer { call.cancel() }
        return try await pump(call, into: output)
    }

    /// Runs a call with a stream of requests, and one response or a stream of them. Returns the metadata of its end.
    func requestStream(
        _ requests: MessageReader, into output: any CallOutput
    ) async throws(RPCError) -> Metadata {
        if follower.isDoubtful { await edge.refresh(paced: true) }
        var request = StreamRequest(edge.current(route).name)
        request.call.deadline = deadline
        request.call.metadata = metadata
        let call = follower.upstream.channel.stream(request)
        defer { call.cancel() }
        let transcoding = transcoding(edge.current(route))
        return try await withTaskGroup(of: RPCError?.self) { group -> Result<Metadata, RPCError> in
            group.addTask {
                do throws(RPCError) { try await Self.send(requests, to: call, transcoding) } catch {
                    call.cancel()
                    return error
                }
                return nil
            }
            do throws(RPCError) {
                let trailing = try await pump(call, into: output)
                group.cancelAll()
                return .success(trailing)
            } catch {
                group.cancelAll()
                // What is wrong with the requests decides, and not that the call was cancelled for it.
                return .failure(await group.next().flatMap(\.self) ?? error)
            }
        }.get()
    }

    /// Sends what arrives until nothing does or the call has ended.
    private static func send(
        _ requests: MessageReader, to call: any StreamCall, _ transcoding: MessageTranscoding
    ) async throws(RPCError) {
        var requests = requests
        while true {
            let message: ByteBuffer?
            do throws(RPCError) { message = try await requests.next() } catch {
                if Task.isCancelled || call.hasEnded { return }
                throw error
            }
            guard let message else { break }
            let bytes = try transcoding.request(message)
            // A call that has ended takes no more requests, and its end is heard where its responses are read.
            do throws(RPCError) { try await call.send(bytes) } catch { return }
        }
        call.finish()
    }

    private func pump(_ call: any StreamCall, into output: any CallOutput) async throws(RPCError) -> Metadata
    {
        let transcoding = transcoding(edge.current(route))
        var hasBegun = false
        do throws(RPCError) {
            while let bytes = try await call.next() {
                if !hasBegun { output.begin(await call.metadata()) }
                hasBegun = true
                try await output.send(try transcoding.response(bytes))
            }
            if !hasBegun { output.begin(await call.metadata()) }
            return call.trailers
        } catch {
            noteDoubt(error)
            if !hasBegun { output.begin(await call.metadata()) }
            throw error
        }
    }
}
