// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
@testable import RavioliEdge
import Testing

@Suite struct APIPageTests {
    private let page = String(decoding: APIPage.html, as: UTF8.self)

    /// What stands between a tag and its end; there is one of each.
    private func inside(_ tag: String) throws -> Substring {
        let parts = page.split(separator: "<\(tag)>")
        try #require(parts.count == 2)
        return try #require(parts[1].split(separator: "</\(tag)>").first)
    }

    @Test(arguments: ["script", "style"])
    func policyKnowsTheHash(tag: String) throws {
        let hash = Data(SHA256.hash(data: Data(try inside(tag).utf8))).base64EncodedString()
        #expect(
            APIPage.securityPolicy.contains("\(tag)-src 'sha256-\(hash)'"),
            "the page has changed; write 'sha256-\(hash)' for \(tag)-src")
    }

    @Test func nothingIsLoadedFromElsewhere() {
        #expect(!page.contains("http://") && !page.contains("https://") && !page.contains("src="))
        #expect(!page.contains("<link") && !page.contains("@import") && !page.contains("url("))
    }

    @Test func policyAllowsNoMoreThanThat() {
        #expect(APIPage.securityPolicy.hasPrefix("default-src 'none'; "))
        #expect(!APIPage.securityPolicy.contains("unsafe"))
        #expect(!page.contains("onclick") && !page.contains(" style=") && !page.contains("innerHTML"))
    }

    @Test func pageIsSmallAndSaysItsLanguage() {
        #expect(page.utf8.count < 20_000)
        #expect(page.contains("<html lang=\"en\">") && page.contains("prefers-color-scheme: dark"))
    }
}
