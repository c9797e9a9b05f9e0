// SPDX-License-Identifier: Apache-2.0
//
// A file that imports this module sees its types in place of Swift's, Testing's macros included. So the messages of
// such types are made here, and tests import `CollisionSamples` alone.

package import RavioliSchema

/// Messages whose types or fields are called like something else, each with its form as text.
package enum CollisionSamples {
    /// A message and the same in protobuf's text format.
    package typealias Sample = (message: any RavioliSchema.Message, text: Swift.String)

    package static let types: [Sample] = [
        (
            String(
                string: "s", inner: .init(string: "i"), list: [.init(string: "l")],
                map: ["k": .init(string: "v")]),
            #"string: "s" inner { string: "i" } list { string: "l" } map { key: "k" value { string: "v" } }"#
        ),
        (Int32(int32: 1, maybe: 0), "int32: 1 maybe: 0"),
        (Bool(bool: true, bools: [false: true]), "bool: true bools { key: false value: true }"),
        (Array(array: [.init()], ints: [1]), "array {} ints: 1"),
        (Dictionary(dictionary: ["k": .init()]), #"dictionary { key: "k" value {} }"#),
        (Optional(optional: 0, inner: .init(optional: 1)), "optional: 0 inner { optional: 1 }"),
        (UInt8(bytes: [1]), #"bytes: "\001""#),
        (Sendable(sendable: .b(.init(sendable: .a(1)))), "b { a: 1 }"),
        (Hashable(hashable: .b("h")), #"b: "h""#),
        (Message(message: .init()), "message {}"),
        (Ravioli_Test_V1_Swift(swift: "s"), #"swift: "s""#),
        (
            Ravioli_Test_V1_RavioliSchema(ravioliSchema: "s", other: .init(file: "f")),
            #"ravioli_schema: "s" other { file: "f" }"#
        ),
        (
            _Storage_(storage: .init(storage2: "s"), storage2: "t", fields: .init()),
            #"storage { _storage_2: "s" } _storage_2: "t" fields {}"#
        ),
        (
            UsesValues(values: .init_, maybe: .self_, klass: .init(class: 1)),
            "values: 2 maybe: 1 klass { class: 1 }"
        ),
        (Foo_Bar(other: FooBar(a: 1)), "other { a: 1 }"),
        (
            Outer(
                middle: .init(inner: .init(inner: 1), outermost: .init(a: 2), plain: "p"),
                storage: .around(.init())),
            #"middle { inner { inner: 1 } outermost { a: 2 } plain: "p" } around {}"#
        ),
        (
            UsesOthers(
                unpackaged: .init(string: "s"), theirs: .init(theirs: 1), ours: .init(ours: 2),
                keyworded: .init(keyworded: 3), nested: .init(switch: 4)),
            """
            unpackaged { string: "s" } theirs { theirs: 1 } ours { ours: 2 } keyworded { keyworded: 3 } nested { switch: 4 }
            """
        ),
        (
            Twins(
                fooBar: 1, fooBar_2: 2, fooBar_3: 3, fooBar_4: 4, foobar: 5, fooBarOneof: .x_7(6), default: 8,
                clash: .clashFooBar),
            "foo_bar: 1 fooBar: 2 foo__bar: 3 FooBar: 4 FOO_BAR: 5 x_: 6 default: 8 clash: clash_foo_bar"
        ),
    ]

    package static let words: [Sample] = [
        (
            Words(
                init: 1, self_: 2, hashValue_: 3, unknownFields_: 4, descriptor: 7, decoding_: [14], from: 15,
                r: 18,
                w: ["w": "w"], default: 25, nil: 29, jsonUtf8Bytes: 65),
            """
            init: 1 self: 2 hash_value: 3 unknown_fields: 4 descriptor: 7 decoding: "\\016" from: 15 r: 18
            w { key: "w" value: "w" } default: 25 nil: 29 json_utf8_bytes: 65
            """
        ),
        (
            FewWords(init: 1, r: 2, w: 3, storage: 4, in: .default(0)),
            "init: 1 r: 2 w: 3 storage: 4 default: 0"
        ),
        (FewWords(in: .self_("s")), #"self: "s""#),
        (FewWords(in: .case([1])), #"case: "\001""#),
        (FewWords(in: .inner(FewWords(r: 1))), "inner { r: 1 }"),
        (FewWords(in: .value(9)), "value: 9"),
        (
            OneofWords(r: .none(1), w: .hash_(2), self_: .nil(3), unknownFields_: .x(4)),
            "none: 1 hash: 2 nil: 3 x: 4"
        ),
    ]

    /// The schema's full name of the type that each property is of.
    package static let resolutions: [(property: Swift.String, type: Swift.String)] = [
        ("Outer.outer", name(Outer().outer)), ("Outer.deepest", name(Outer().deepest)),
        ("Outer.their_type", name(Outer().theirType)), ("Outer.my_type", name(Outer().myType)),
        ("Outer.all_words", name(Outer().allWords)), ("Outer.words", name(Outer().words)),
        ("Outer.Middle.inner", name(Outer.Middle().inner)),
        ("Outer.Middle.outermost", name(Outer.Middle().outermost)),
        ("Outer.Middle.hidden", name(Outer.Middle().hidden)),
        ("Outer.Middle.shown", name(Outer.Middle().shown)),
        ("Outer.Middle.middle", name(Outer.Middle().middle)), ("foo_bar.other", name(Foo_bar().other)),
        ("UsesOthers.theirs", name(UsesOthers().theirs)), ("UsesOthers.ours", name(UsesOthers().ours)),
        ("UsesOthers.keyworded", name(UsesOthers().keyworded)),
    ]

    private static func name<Value: RavioliSchema.Message>(_ property: Value?) -> Swift.String {
        Value.descriptor.fullName
    }
}
