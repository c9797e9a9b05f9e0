// SPDX-License-Identifier: Apache-2.0

// The load client on grpc-go: as many connections as it is told, a goroutine per call in flight.
package main

import (
	"context"
	"fmt"
	"io"
	"math"

	"google.golang.org/grpc"
	"peers/load-go"
	"ravioli/loadpb"
)

func main() {
	options := load.ParseClient()
	clients := make([]loadpb.LoadClient, options.Connections)
	for index := range clients {
		connection, err := grpc.Dial(options.Connect, grpc.WithInsecure(), grpc.WithBlock(),
			grpc.WithInitialWindowSize(4<<20), grpc.WithInitialConnWindowSize(8<<20),
			grpc.WithReadBufferSize(128<<10), grpc.WithWriteBufferSize(128<<10),
			grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(64<<20)))
		if err != nil {
			load.Fail(err)
		}
		clients[index] = loadpb.NewLoadClient(connection)
	}
	run(load.New(options), clients)
}

func run(l *load.Load, clients []loadpb.LoadClient) {
	background := context.Background()
	payload := make([]byte, l.Payload)
	request := &loadpb.LoadRequest{Payload: payload}
	switch l.Scenario {
	case "unary":
		slowRequest := &loadpb.LoadRequest{Payload: payload, DelayMicroseconds: uint32(l.DelayUS)}
		l.Unary(func(connection int, slow bool) error {
			asked := request
			if slow {
				asked = slowRequest
			}
			response, err := clients[connection].Unary(background, asked)
			return checked(response, len(payload), err)
		})
	case "pi":
		l.Unary(func(connection int, slow bool) error {
			response, err := clients[connection].Pi(background, &loadpb.PiRequest{Rounds: uint32(l.Rounds)})
			if err == nil && math.Abs(response.Pi-math.Pi) > 1e-3 {
				return fmt.Errorf("pi is not %v", response.Pi)
			}
			return err
		})
	case "server-stream":
		l.Streams(func(connection int, m *load.Meter) error { return download(l, clients[connection], payload, m) })
	case "client-stream":
		l.Streams(func(connection int, m *load.Meter) error { return upload(l, clients[connection], request, m) })
	case "bidi":
		l.Streams(func(connection int, m *load.Meter) error { return converse(l, clients[connection], request, m) })
	default:
		load.Fail(fmt.Errorf("no such scenario: %s", l.Scenario))
	}
}

func checked(response *loadpb.LoadResponse, bytes int, err error) error {
	if err == nil && len(response.Payload) != bytes {
		return fmt.Errorf("an answer of %d bytes instead of %d", len(response.Payload), bytes)
	}
	return err
}

func download(l *load.Load, client loadpb.LoadClient, payload []byte, m *load.Meter) error {
	wanted := l.StreamMessages()
	stream, err := client.Download(context.Background(),
		&loadpb.LoadRequest{Payload: payload, Messages: uint32(wanted)})
	if err != nil {
		return err
	}
	for count := 0; ; count++ {
		response, err := stream.Recv()
		if err == io.EOF && count == wanted {
			return nil
		}
		if err := checked(response, len(payload), err); err != nil {
			return err
		}
		m.Message(1)
	}
}

func upload(l *load.Load, client loadpb.LoadClient, request *loadpb.LoadRequest, m *load.Meter) error {
	wanted := l.StreamMessages()
	stream, err := client.Upload(context.Background())
	if err != nil {
		return err
	}
	for count := 0; count < wanted; count++ {
		if err := stream.Send(request); err != nil {
			return err
		}
		m.Message(1)
	}
	response, err := stream.CloseAndRecv()
	if err == nil && int(response.Messages) != wanted {
		return fmt.Errorf("%d messages arrived instead of %d", response.Messages, wanted)
	}
	return err
}

func converse(l *load.Load, client loadpb.LoadClient, request *loadpb.LoadRequest, m *load.Meter) error {
	wanted := l.StreamMessages()
	stream, err := client.Converse(context.Background())
	if err != nil {
		return err
	}
	go func() {
		for count := 0; count < wanted && stream.Send(request) == nil; count++ {
		}
		stream.CloseSend()
	}()
	for count := 0; ; count++ {
		response, err := stream.Recv()
		if err == io.EOF && count == wanted {
			return nil
		}
		if err := checked(response, len(request.Payload), err); err != nil {
			return err
		}
		m.Message(1)
	}
}
