// SPDX-License-Identifier: Apache-2.0

import Showroom
import Testing

struct PageTokenTests {
    private func query(_ text: String) -> Fingerprint {
        var fingerprint = Fingerprint()
        fingerprint.add(text)
        return fingerprint
    }

    @Test(arguments: [(0, 1), (-1, Int64.max), (Int64.min, 0), (1_299_500, 42)] as [(Int64, Int64)])
    func comesBackAsItWasWritten(key: Int64, rowID: Int64) throws {
        let token = PageToken(key: key, rowID: rowID)
        let text = token.text(query: query("ford"))
        #expect(try PageToken(text, query: query("ford")) == token)
        #expect(text.utf8.count == 34)
    }

    @Test func isRefusedWithAnotherQuery() {
        let text = PageToken(key: 7, rowID: 7).text(query: query("ford"))
        let error = #expect(throws: ValidationError.self) { try PageToken(text, query: query("saab")) }
        #expect(error?.violations.first?.field == "page_token")
        #expect(error?.description.contains("another search") == true)
    }

    @Test func isRefusedWithAnyCharacterChanged() throws {
        let text = PageToken(key: 7, rowID: 7).text(query: query("ford"))
        for index in text.indices {
            var changed = text
            changed.replaceSubrange(index...index, with: text[index] == "A" ? "B" : "A")
            #expect(throws: ValidationError.self) { try PageToken(changed, query: query("ford")) }
        }
    }

    @Test(arguments: ["", "1", "AQ==", "../etc/passwd", "🚗", String(repeating: "A", count: 34)])
    func isRefusedWhenItIsNoToken(text: String) {
        #expect(throws: ValidationError.self) { try PageToken(text, query: query("ford")) }
    }

    @Test func fingerprintsTellPartsApart() {
        func fingerprint(_ parts: String...) -> UInt64 {
            var fingerprint = Fingerprint()
            for part in parts { fingerprint.add(part) }
            return fingerprint.value
        }
        #expect(fingerprint("ab", "c") != fingerprint("a", "bc"))
        #expect(fingerprint("a") == fingerprint("a"))
        var absent = Fingerprint()
        absent.add(Int64?.none)
        var zero = Fingerprint()
        zero.add(Int64?.some(0))
        #expect(absent.value != zero.value)
    }

    @Test func pageSizesHaveADefaultAndACeiling() throws {
        #expect(try PageSize.effective(0) == 20)
        #expect(try PageSize.effective(7) == 7)
        #expect(try PageSize.effective(1000) == 200)
        #expect(throws: ValidationError.self) { try PageSize.effective(-1) }
    }
}
