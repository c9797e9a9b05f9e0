// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOSSL

extension ChannelLink {
    /// The handshake is complete: the endpoint begins, or the connection ends.
    func handshakeCompleted(_ context: ChannelHandlerContext, _ gate: TLSGate, negotiated: String?) {
        // Closed while the handshake went on.
        guard endpoint.link.transport != nil else { return }
        do throws(TLSFault) {
            let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate()
            let identity = try gate.handshakeCompleted(
                applicationProtocol: negotiated, certificate: certificate)
            endpoint.connected(peer: Peer(address: Self.name(context.channel), identity: identity))
        } catch {
            refuse(context, error)
        }
    }

    /// Ends a connection that is secure, but with the wrong peer. What it has sent already is not read.
    private func refuse(_ context: ChannelHandlerContext, _ fault: TLSFault) {
        failed(context, fault)
        endpoint.link.transport = nil
        endpoint.disconnected(cause: fault)
        context.close(promise: nil)
    }
}
