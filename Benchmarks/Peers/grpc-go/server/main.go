// SPDX-License-Identifier: Apache-2.0

// The load server on grpc-go. Settings that its documentation advises for speed: handlers on workers that are kept
// (NumStreamWorkers), windows that a message of 1 MB fits in, larger read and write buffers.
package main

import (
	"context"
	"io"
	"runtime"
	"time"

	"google.golang.org/grpc"
	"peers/load-go"
	"ravioli/loadpb"
)

type server struct{}

func (server) Unary(ctx context.Context, request *loadpb.LoadRequest) (*loadpb.LoadResponse, error) {
	if request.DelayMicroseconds > 0 {
		time.Sleep(time.Duration(request.DelayMicroseconds) * time.Microsecond)
	}
	return &loadpb.LoadResponse{Payload: request.Payload}, nil
}

func (server) Download(request *loadpb.LoadRequest, stream loadpb.Load_DownloadServer) error {
	response := &loadpb.LoadResponse{Payload: request.Payload}
	for index := uint32(0); index < request.Messages; index++ {
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	return nil
}

func (server) Upload(stream loadpb.Load_UploadServer) error {
	for messages := uint32(0); ; messages++ {
		if _, err := stream.Recv(); err == io.EOF {
			return stream.SendAndClose(&loadpb.LoadResponse{Messages: messages})
		} else if err != nil {
			return err
		}
	}
}

func (server) Converse(stream loadpb.Load_ConverseServer) error {
	for {
		request, err := stream.Recv()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.Send(&loadpb.LoadResponse{Payload: request.Payload}); err != nil {
			return err
		}
	}
}

func (server) Pi(ctx context.Context, request *loadpb.PiRequest) (*loadpb.PiResponse, error) {
	return &loadpb.PiResponse{Pi: load.Pi(request.Rounds)}, nil
}

func main() {
	listener := load.Listen()
	grpcServer := grpc.NewServer(
		grpc.NumStreamWorkers(uint32(runtime.NumCPU())),
		grpc.InitialWindowSize(4<<20), grpc.InitialConnWindowSize(8<<20),
		grpc.ReadBufferSize(128<<10), grpc.WriteBufferSize(128<<10),
		grpc.MaxRecvMsgSize(64<<20),
	)
	loadpb.RegisterLoadServer(grpcServer, server{})
	load.SayListening(listener)
	if err := grpcServer.Serve(listener); err != nil {
		load.Fail(err)
	}
}
