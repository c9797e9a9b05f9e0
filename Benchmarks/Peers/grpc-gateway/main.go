// SPDX-License-Identifier: Apache-2.0

// grpc-gateway in front of the load server on grpc-go, as its documentation builds it.
package main

import (
	"context"
	"flag"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/runtime"
	"google.golang.org/grpc"
	"peers/load-go"
	"ravioli/loadpb"
)

func main() {
	upstream := flag.String("upstream", "", "HOST:PORT of the server")
	listener := load.Listen()
	mux := runtime.NewServeMux()
	options := []grpc.DialOption{grpc.WithInsecure()}
	if err := loadpb.RegisterLoadHandlerFromEndpoint(context.Background(), mux, *upstream, options); err != nil {
		load.Fail(err)
	}
	load.SayListening(listener)
	load.Fail(http.Serve(listener, mux))
}
