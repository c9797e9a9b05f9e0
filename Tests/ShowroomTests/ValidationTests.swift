// SPDX-License-Identifier: Apache-2.0

import Showroom
import Testing

struct ValidationTests {
    @Test func tellsAllThatIsWrongInOrder() {
        var validation = Validation()
        validation.require(true, "a", "is fine")
        validation.require(length: 1...3, of: "", "b")
        validation.require(length: 0...3, of: "", "c")
        validation.require(length: 0...3, of: "four", "d")
        validation.require(12, in: 1...10, "e")
        let error = #expect(throws: ValidationError.self) { try validation.check() }
        #expect(
            error?.description.split(separator: "; ") == [
                "b must not be empty", "d must have at most 3 characters, not 4",
                "e must be from 1 to 10, not 12",
            ])
    }

    @Test func saysNothingWhenNothingIsWrong() throws {
        var validation = Validation()
        validation.require(length: 1...3, of: "ok", "a")
        try validation.check()
    }
}
