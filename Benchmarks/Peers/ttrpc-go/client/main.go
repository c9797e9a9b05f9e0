// SPDX-License-Identifier: Apache-2.0

// The load client on ttrpc. The version in Debian knows no streams.
package main

import (
	"context"
	"fmt"
	"net"

	"github.com/containerd/ttrpc"
	"peers/load-go"
	"ravioli/gogopb"
)

const service = "ravioli.benchmark.v1.Load"

func main() {
	options := load.ParseClient()
	clients := make([]*ttrpc.Client, options.Connections)
	for index := range clients {
		connection, err := net.Dial("tcp", options.Connect)
		if err != nil {
			load.Fail(err)
		}
		clients[index] = ttrpc.NewClient(connection)
	}
	l := load.New(options)
	background := context.Background()
	switch l.Scenario {
	case "unary":
		request := &gogopb.LoadRequest{Payload: make([]byte, l.Payload)}
		slowRequest := &gogopb.LoadRequest{Payload: request.Payload, DelayMicroseconds: uint32(l.DelayUS)}
		l.Unary(func(connection int, slow bool) error {
			asked, response := request, &gogopb.LoadResponse{}
			if slow {
				asked = slowRequest
			}
			err := clients[connection].Call(background, service, "Unary", asked, response)
			if err == nil && len(response.Payload) != l.Payload {
				return fmt.Errorf("an answer of %d bytes instead of %d", len(response.Payload), l.Payload)
			}
			return err
		})
	case "pi":
		l.Unary(func(connection int, slow bool) error {
			request, response := &gogopb.PiRequest{Rounds: uint32(l.Rounds)}, &gogopb.PiResponse{}
			return clients[connection].Call(background, service, "Pi", request, response)
		})
	default:
		load.Fail(fmt.Errorf("ttrpc 1.1 has no streams"))
	}
}
