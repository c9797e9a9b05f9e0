// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import Ravioli
import RavioliEdge
import Testing

struct ConnectQueryTests {
    private func query(_ text: String) throws(EdgeRefusal) -> ConnectQuery {
        try ConnectQuery(path: "/a/B?" + text)
    }

    private func message(_ text: String) throws -> String { String(buffer: try query(text).message) }

    @Test func readsThePartsInAnyOrder() throws {
        let query = try query("message=%7B%22a%22%3A1%7D&other=1&encoding=json&connect=v1")
        #expect(String(buffer: query.message) == #"{"a":1}"#)
        #expect(query.contentType.codec == .json && query.version == "v1" && query.compression == nil)
    }

    @Test(arguments: ["%7B%7D", "{}"]) func messagesAreTextOrEscaped(text: String) throws {
        #expect(try message("encoding=json&message=\(text)") == "{}")
    }

    @Test(arguments: ["aGk_", "aGk_fg", "aGk_fg=="]) func base64IsURLSafePaddedOrNot(text: String) throws {
        #expect(try query("encoding=proto&base64=1&message=\(text)").message.readableBytes >= 3)
    }

    @Test func nothingIsDecodedTwice() throws {
        #expect(try message("encoding=json&message=%252B+%2B") == "%2B +")
    }

    @Test func anEmptyMessageIsOne() throws { #expect(try message("encoding=proto&message=") == "") }

    @Test(arguments: [
        "encoding=json", "message=%7B%7D", "", "encoding=json&message=%7",
        "encoding=json&message={}&message={}",
        "encoding=json&message=!&base64=1", "encoding=json&message={}&connect=v2",
        "encoding=json&message={}&base64=x",
    ])
    func refusesWhatIsMissingOrMalformed(text: String) {
        do throws(EdgeRefusal) {
            _ = try query(text)
            Issue.record("accepted")
        } catch {
            guard case .call(let error) = error else { Issue.record("no error of a call"); return }
            #expect(error.code == .invalidArgument)
        }
    }

    @Test func anotherCodecIs415() {
        do throws(EdgeRefusal) {
            _ = try query("encoding=xml&message=a")
            Issue.record("accepted")
        } catch {
            guard case .http(let status, _, _) = error else { Issue.record("no refusal by HTTP"); return }
            #expect(status == .unsupportedMediaType)
        }
    }
}
