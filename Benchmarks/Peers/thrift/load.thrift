// The benchmark's schema (Protos/ravioli/benchmark/v1/load.proto) as Thrift says it, which has no streams.
namespace cpp loadthrift

struct LoadRequest {
  1: binary payload
  3: i32 delay_microseconds
}

struct LoadResponse {
  1: binary payload
}

service Load {
  LoadResponse unary(1: LoadRequest request)
  double pi(1: i32 rounds)
}
