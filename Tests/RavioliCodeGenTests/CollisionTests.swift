// SPDX-License-Identifier: Apache-2.0

import struct CollisionSchemas.CarClient
import enum CollisionSchemas.CarRPC
import struct CollisionSchemas.Clash
import enum CollisionSchemas.CollisionSamples
import struct CollisionSchemas.Foo_Bar
import struct CollisionSchemas.Foo_bar
import enum CollisionSchemas.TruckRPC_
import struct CollisionSchemas.Twins
import struct CollisionSchemas.Values
import enum CollisionSchemas.Words_
import class CollisionSchemas.Words_Fake
import Ravioli
import RavioliSchema
import Testing

/// Schemas whose names collide with Swift's, with Ravioli's and with each other. That they compile is tested by
/// building them; here each name is asked what it has come to mean.
@Suite struct CollisionTests {
    @Test(arguments: CollisionSamples.types.indices)
    func typesNamedLikeOthersStandBesideThem(_ index: Int) throws {
        let sample = CollisionSamples.types[index]
        try expectRoundTrip(sample.message, text: sample.text)
    }

    @Test(arguments: CollisionSamples.words.indices)
    func wordsOfSwiftNameFieldsAndChoices(_ index: Int) throws {
        let sample = CollisionSamples.words[index]
        try expectRoundTrip(sample.message, text: sample.text)
    }

    @Test func nestedTypesHideNothingThatIsReferredTo() {
        let expected = [
            "Outer.Outer", "Outer.Outer.Outer", "google.protobuf.Type", "Outer.Google_Protobuf_Type", "Words",
            "Outer.Words", "Outer.Middle.FooBar", "FooBar", "Outer.Middle.String", "String",
            "Outer.Middle.Middle",
            "Foo_Bar", ".Collision", "Collision", "in.class.default.Collision",
        ]
        for (resolution, expected) in zip(CollisionSamples.resolutions, expected) {
            let isOfOtherPackage =
                expected.hasPrefix("google") || expected.hasPrefix("in.") || expected.hasPrefix(".")
            let fullName = isOfOtherPackage ? expected : "ravioli.test.v1." + expected
            #expect(
                "." + resolution.type == (expected.hasPrefix(".") ? "" : ".") + fullName,
                "\(resolution.property)")
        }
    }

    @Test func wordsOfSwiftNameValues() {
        #expect(Values.self_.description == "VALUES_SELF" && Values.init_.description == "VALUES_INIT")
        #expect(
            Values.default.description == "VALUES_DEFAULT"
                && Values.allCases_.description == "VALUES_ALL_CASES")
        #expect(Values.rawValue_.rawValue == 8 && Values.descriptor_.rawValue == 7)
        #expect(Values.values.rawValue == 0 && Values._2d.rawValue == 13 && Values._3D.rawValue == 14)
        #expect(
            Values.fooBar.rawValue == 15 && Values.valuestick.rawValue == 21 && Values.true.rawValue == 23)
        #expect(Set(Values.allCases).count == Values.descriptor.values.count)
    }

    @Test func namesThatBecomeOneAreToldApart() {
        #expect(Foo_Bar.descriptor.fullName == "ravioli.test.v1.Foo_Bar")
        #expect(Foo_bar.descriptor.fullName == "ravioli.test.v1.foo_bar")
        #expect(Twins().defaultOrDefault_ == 7 && Twins().defaultOrDefaultOrDefault == 8)
        #expect(Set(Clash.allCases.map(\.rawValue)) == Set(0...8))
    }

    @Test func servicesGiveWayToMessages() {
        #expect(CarRPC.descriptor.fullName == "ravioli.test.v1.Car")
        #expect(TruckRPC_.descriptor.fullName == "ravioli.test.v1.Truck")
        #expect(CarClient.descriptor.fullName == "ravioli.test.v1.CarClient")
        #expect(Words_.getX.descriptor.name == "get_x" && Words_.getX_.descriptor.name == "GetX")
        #expect(Words_.init_.descriptor.name == "init" && Words_.init__.descriptor.name == "Init")
        #expect(Words_.default.descriptor.name == "default" && Words_.deinit.descriptor.name == "Deinit")
        #expect(Words_Fake().methods.count == Words_.descriptor.methods.count)
    }
}
