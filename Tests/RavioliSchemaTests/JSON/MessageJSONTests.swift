// SPDX-License-Identifier: Apache-2.0

import RavioliSchema
import Testing

/// Generated messages print and read JSON through the same code as dynamic ones.
@Suite struct MessageJSONTests {
    @Test func generatedMessagesPrintAndRead() throws {
        var field = Google_Protobuf_FieldDescriptorProto()
        field.name = "a"
        field.number = 5
        field.jsonName = ""
        var message = Google_Protobuf_DescriptorProto()
        message.name = "M"
        message.field = [field]
        message.reservedName = ["x", "y"]
        let json = #"{"name":"M","field":[{"name":"a","number":5,"jsonName":""}],"reservedName":["x","y"]}"#
        #expect(try message.json() == json)
        #expect(try message.jsonUTF8Bytes() == Array(json.utf8))
        #expect(try Google_Protobuf_DescriptorProto(json: json) == message)
        #expect(try Google_Protobuf_DescriptorProto(jsonUTF8: Array(json.utf8)) == message)
        #expect(throws: SchemaError.self) { try Google_Protobuf_DescriptorProto(json: #"{"names":1}"#) }
    }

    @Test func wellKnownMessagesHaveTheirSpecialForm() throws {
        #expect(
            try Google_Protobuf_Timestamp(seconds: 1, nanos: 500_000_000).json()
                == #""1970-01-01T00:00:01.500Z""#)
        #expect(
            try Google_Protobuf_Duration(json: #""-0.5s""#) == Google_Protobuf_Duration(nanos: -500_000_000))
        #expect(try Google_Protobuf_Int64Value(value: 0).json() == #""0""#)
        let json = #"{"a":[1,null,{"b":"c"}],"d":true}"#
        let value = try Google_Protobuf_Struct(json: json)
        #expect(value.fields.count == 2)
        #expect(try value.json() == json)
        #expect(throws: SchemaError.self) { try Google_Protobuf_Timestamp(seconds: 1 << 50).json() }
    }

    @Test func readsTheSchemaOfTheSchemaItself() throws {
        let file = try Google_Protobuf_FileDescriptorProto(
            decoding: Google_Protobuf_FileDescriptorProto.descriptor.file.serialized)
        let json = try file.json()
        #expect(try Google_Protobuf_FileDescriptorProto(json: json) == file)
        let dynamic = try DynamicMessage(json: json, as: Google_Protobuf_FileDescriptorProto.descriptor)
        #expect(try dynamic.encoded() == file.encoded())
        #expect(try dynamic.json() == json)
    }
}
