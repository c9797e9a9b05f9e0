// SPDX-License-Identifier: Apache-2.0

import Ravioli

/// What every operation of the document shares: how errors look, and Connect's headers.
enum OpenAPIErrors {
    static let statusName = "Error.Status"
    static let problemName = "Error.Problem"
    static let connectName = "Error.Connect"
    static let response: JSONNode = ["$ref": "#/components/responses/Error"]
    static let connectResponse: JSONNode = ["$ref": "#/components/responses/ConnectError"]
    static let timeoutParameter: JSONNode = ["$ref": "#/components/parameters/ConnectTimeout"]

    static let codes: [JSONNode] = (1...16).compactMap { StatusCode(rawValue: $0) }.map {
        .string($0.name)
    }

    static let schemas: [String: JSONNode] = [
        statusName: [
            "type": "object", "description": "How a call failed: `google.rpc.Status`.",
            "properties": [
                "code": [
                    "type": "integer", "minimum": 1, "maximum": 16,
                    "description": "gRPC's number for the code.",
                ],
                "message": ["type": "string", "description": "For a developer."],
                "details": [
                    "type": "array",
                    "items": ["type": "object", "properties": ["@type": ["type": "string"]]],
                    "description": "Facts for a program, each of the type that it names.",
                ],
            ],
            "required": ["code", "message", "details"],
        ],
        problemName: [
            "type": "object", "description": "How a call failed: problem details by RFC 9457.",
            "properties": [
                "type": ["type": "string"], "title": ["type": "string"], "status": ["type": "integer"],
                "detail": ["type": "string"], "code": ["type": "string", "enum": .array(codes)],
                "requestId": ["type": "string"],
                "fieldViolations": [
                    "type": "array",
                    "items": [
                        "type": "object",
                        "properties": ["field": ["type": "string"], "description": ["type": "string"]],
                    ],
                ],
                "details": ["type": "array", "items": ["type": "object"]],
            ],
            "required": ["type", "title", "status", "detail", "code", "requestId"],
        ],
        connectName: [
            "type": "object", "description": "How a call failed, by Connect's protocol.",
            "properties": [
                "code": ["type": "string", "enum": .array(codes)], "message": ["type": "string"],
                "details": [
                    "type": "array",
                    "items": [
                        "type": "object",
                        "properties": [
                            "type": ["type": "string"], "value": ["type": "string"], "debug": [:],
                        ],
                        "required": ["type", "value"],
                    ],
                ],
            ],
            "required": ["code"],
        ],
    ]

    /// How errors of REST are written.
    static let content: JSONNode = [
        "application/json": ["schema": OpenAPISchemas.reference(statusName)],
        "application/problem+json": ["schema": OpenAPISchemas.reference(problemName)],
    ]

    /// How errors of Connect's calls are written.
    static let connectContent: JSONNode = [
        "application/json": ["schema": OpenAPISchemas.reference(connectName)]
    ]

    static func responses(includesConnect: Bool) -> [String: JSONNode] {
        var responses: [String: JSONNode] = [
            "Error": [
                "description": "The call failed, or the request was refused.",
                "content": content,
            ]
        ]
        if includesConnect {
            responses["ConnectError"] = [
                "description": "The call failed, or with plain text the request was no call.",
                "content": connectContent.adding([("text/plain", ["schema": ["type": "string"]])]),
            ]
        }
        return responses
    }

    static let parameters: JSONNode = [
        "ConnectTimeout": [
            "name": "Connect-Timeout-Ms", "in": "header", "required": false,
            "description": "How long the call may take, in milliseconds.",
            "schema": ["type": "integer", "minimum": 1, "maximum": 9_999_999_999],
        ]
    ]
}
