// SPDX-License-Identifier: Apache-2.0
//
// The parameters of a plan become a message type, and the plan a method that takes it. So a plan's path, query and body
// are matched, read, checked and described by what does it for REST, with the same errors, and a plan and a rule that fit
// the same requests are found out like two rules.

import HTTPTypes
import Ravioli
import RavioliSchema

/// The parameters of a plan as the fields of a message.
package struct PlanParameters: Sendable {
    /// A field for each parameter, in their order, called the same in JSON.
    let type: MessageDescriptor
    /// What stands for the plan where a rule is bound to a method.
    let method: MethodDescriptor
    private let source: [PlanSource.Parameter]
    private let defaults: [Int32: DynamicValue]

    /// - Throws: for names and defaults that cannot be, with the line.
    init(_ source: PlanSource) throws(PlanError) {
        self.source = source.parameters
        try Self.checkNames(source)
        let file: FileDescriptor
        do throws(SchemaError) {
            let proto = Self.proto(source)
            file = try FileDescriptor(serialized: try proto.encoded(), dependencies: [])
        } catch {
            throw PlanError("\(source.place(line: source.line)): its parameters: \(error.message)")
        }
        guard let type = file.messages.first, let method = file.services.first?.methods.first else {
            throw PlanError("\(source.place(line: source.line)) has no parameters")
        }
        (self.type, self.method) = (type, method)
        var defaults: [Int32: DynamicValue] = [:]
        for (parameter, field) in zip(source.parameters, type.fields) {
            guard let text = parameter.defaultText else { continue }
            guard let value = Self.value(text, field, type) else {
                throw PlanError(
                    "\(source.place(line: parameter.line)): the default of \(parameter.name) is no "
                        + parameter.type.rawValue)
            }
            defaults[field.number] = value
        }
        self.defaults = defaults
    }

    private static func checkNames(_ source: PlanSource) throws(PlanError) {
        guard source.parameters.count <= PlanSource.parametersMax else {
            throw PlanError(
                "\(source.place(line: source.line)): \(source.parameters.count) parameters are over the "
                    + "\(PlanSource.parametersMax) that a plan may have")
        }
        for parameter in source.parameters
        where !PlanReference.isName(parameter.name) || parameter.name == PlanSource.eachName {
            throw PlanError(
                "\(source.place(line: parameter.line)): \"\(SchemaError.excerpt(parameter.name))\" cannot name "
                    + "a parameter")
        }
    }

    private static func proto(_ source: PlanSource) -> Google_Protobuf_FileDescriptorProto {
        let package = "ravioli.edge.plans"
        var message = Google_Protobuf_DescriptorProto(name: "\(source.name)Parameters")
        for (index, parameter) in source.parameters.enumerated() {
            var field = Google_Protobuf_FieldDescriptorProto(name: parameter.name)
            field.number = Int32(index + 1)
            field.jsonName = parameter.name
            field.label = parameter.isRepeated ? .repeated : .optional
            field.type = parameter.type.protoType
            message.field.append(field)
        }
        var method = Google_Protobuf_MethodDescriptorProto(name: source.name)
        method.inputType = ".\(package).\(source.name)Parameters"
        method.outputType = method.inputType
        var file = Google_Protobuf_FileDescriptorProto(name: "ravioli/edge/plans/\(source.name).proto")
        file.package = package
        file.messageType = [message]
        file.service = [Google_Protobuf_ServiceDescriptorProto(name: "Plans", method: [method])]
        file.syntax = "proto2"
        return file
    }

    private static func value(
        _ text: String, _ field: FieldDescriptor, _ type: MessageDescriptor
    ) -> DynamicValue? {
        var wire = WireWriter()
        do throws(FieldTextError) {
            try FieldText.write(text, as: field, enumsInAnyCase: false, to: &wire)
        } catch {
            return nil
        }
        return try? DynamicMessage(decoding: wire.bytes, as: type).value(numbered: field.number)
    }

    /// The field of a parameter.
    func field(_ name: String) -> FieldDescriptor? { type.fields.first { $0.name == name } }

    /// Whether a request without it is answered, and its value then absent.
    func mayBeAbsent(_ name: String) -> Bool {
        source.contains { $0.name == name && !$0.isRequired && $0.defaultText == nil && !$0.isRepeated }
    }

    /// The parameters of a request, defaults filled in.
    ///
    /// - Parameter encoded: as path, query and body gave them.
    /// - Throws: `invalid_argument` for one that is missing.
    func values(_ encoded: [UInt8]) throws(RESTFailure) -> DynamicMessage {
        var values: DynamicMessage
        do throws(SchemaError) {
            values = try DynamicMessage(decoding: encoded, as: type)
            for (number, value) in defaults where try !values.has(numbered: number) {
                try values.set(numbered: number, to: value)
            }
        } catch {
            throw RESTFailure(.badRequest, .invalidArgument, error.message)
        }
        for (parameter, field) in zip(source, type.fields) where parameter.isRequired {
            guard (try? values.has(numbered: field.number)) == true else {
                throw RESTFailure(field: parameter.name, "is missing")
            }
        }
        return values
    }
}
