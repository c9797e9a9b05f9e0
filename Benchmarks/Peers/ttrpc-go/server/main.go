// SPDX-License-Identifier: Apache-2.0

// The load server on ttrpc, with its defaults: it has no settings that concern speed. Messages are gogo's, with generated
// code that encodes them, as in containerd.
package main

import (
	"context"
	"time"

	"github.com/containerd/ttrpc"
	"peers/load-go"
	"ravioli/gogopb"
)

func unary(ctx context.Context, unmarshal func(interface{}) error) (interface{}, error) {
	var request gogopb.LoadRequest
	if err := unmarshal(&request); err != nil {
		return nil, err
	}
	if request.DelayMicroseconds > 0 {
		time.Sleep(time.Duration(request.DelayMicroseconds) * time.Microsecond)
	}
	return &gogopb.LoadResponse{Payload: request.Payload}, nil
}

func pi(ctx context.Context, unmarshal func(interface{}) error) (interface{}, error) {
	var request gogopb.PiRequest
	if err := unmarshal(&request); err != nil {
		return nil, err
	}
	return &gogopb.PiResponse{Pi: load.Pi(request.Rounds)}, nil
}

func main() {
	listener := load.Listen()
	server, err := ttrpc.NewServer()
	if err != nil {
		load.Fail(err)
	}
	server.Register("ravioli.benchmark.v1.Load", map[string]ttrpc.Method{"Unary": unary, "Pi": pi})
	load.SayListening(listener)
	if err := server.Serve(context.Background(), listener); err != nil {
		load.Fail(err)
	}
}
