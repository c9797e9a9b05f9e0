// SPDX-License-Identifier: Apache-2.0

/// Lays compact JSON out over lines, two spaces a level. It only adds blanks: the text must be valid JSON without any.
struct PrettyJSON {
    private var output: [UInt8] = []
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    private var isOpen = false

    /// The text over several lines.
    static func print(_ json: String) -> String {
        var printer = PrettyJSON()
        for byte in json.utf8 {
            if printer.isInString { printer.addInString(byte) } else { printer.add(byte) }
        }
        return String(decoding: printer.output, as: UTF8.self)
    }

    private mutating func addInString(_ byte: UInt8) {
        output.append(byte)
        if isEscaped {
            isEscaped = false
        } else {
            isEscaped = byte == UInt8(ascii: "\\")
            isInString = byte != UInt8(ascii: "\"")
        }
    }

    private mutating func add(_ byte: UInt8) {
        let isClosing = byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
        if isClosing { depth -= 1 }
        // An empty object or list stays on its line.
        if isOpen != isClosing { newLine() }
        isOpen = false
        output.append(byte)
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            depth += 1
            isOpen = true
        case UInt8(ascii: ","): newLine()
        case UInt8(ascii: ":"): output.append(UInt8(ascii: " "))
        case UInt8(ascii: "\""): isInString = true
        default: break
        }
    }

    private mutating func newLine() {
        output.append(UInt8(ascii: "\n"))
        output += [UInt8](repeating: UInt8(ascii: " "), count: 2 * max(depth, 0))
    }
}
