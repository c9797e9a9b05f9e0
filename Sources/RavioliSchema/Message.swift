/// A protobuf message as a Swift value. Generated code conforms to it; nobody else needs to.
public protocol Message: Sendable, Hashable {
    /// The empty message: every field absent or at its default.
    init()
}
