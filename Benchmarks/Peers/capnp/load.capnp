# The benchmark's schema (Protos/ravioli/benchmark/v1/load.proto) as Cap'n Proto says it: streams are capabilities whose
# methods answer `stream`, which the library paces by itself.
@0xd1a9f6b43c2e8071;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("loadcapnp");

interface Load {
  unary @0 (payload :Data, delayMicroseconds :UInt32) -> (payload :Data);
  # Sends the payload as many times as it says.
  download @1 (payload :Data, messages :UInt32, answers :Sink) -> ();
  # Counts what is sent.
  upload @2 () -> (requests :Sink);
  # Sends back what is sent.
  converse @3 (answers :Sink) -> (requests :Sink);
  pi @4 (rounds :UInt32) -> (pi :Float64);
}

interface Sink {
  send @0 (payload :Data) -> stream;
  done @1 () -> (messages :UInt32);
}
