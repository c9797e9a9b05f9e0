// SPDX-License-Identifier: Apache-2.0

// Calls the testing service with containerd's own client, as it is packaged, and says what came back, a line per call.
// Built without modules: GO111MODULE=off GOPATH=/usr/share/gocode.
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/containerd/ttrpc"
	"github.com/gogo/protobuf/proto"
	"google.golang.org/grpc/status"
)

const service = "ravioli.trial.v1.Trial"

type EchoRequest struct {
	Payload     []byte `protobuf:"bytes,1,opt,name=payload,proto3"`
	AnswerBytes int32  `protobuf:"varint,2,opt,name=answer_bytes,proto3"`
}

type EchoResponse struct {
	Payload []byte `protobuf:"bytes,1,opt,name=payload,proto3"`
}

type FailRequest struct {
	Code       int32  `protobuf:"varint,1,opt,name=code,proto3"`
	Message    string `protobuf:"bytes,2,opt,name=message,proto3"`
	WithDetail bool   `protobuf:"varint,4,opt,name=with_detail,proto3"`
}

type DescribeResponse struct {
	RemainingMicroseconds int64    `protobuf:"varint,1,opt,name=remaining_microseconds,proto3"`
	Metadata              []string `protobuf:"bytes,3,rep,name=metadata,proto3"`
}

func (m *EchoRequest) Reset()              { *m = EchoRequest{} }
func (m *EchoRequest) String() string      { return fmt.Sprintf("%d bytes", len(m.Payload)) }
func (m *EchoRequest) ProtoMessage()       {}
func (m *EchoResponse) Reset()             { *m = EchoResponse{} }
func (m *EchoResponse) String() string     { return fmt.Sprintf("%d bytes", len(m.Payload)) }
func (m *EchoResponse) ProtoMessage()      {}
func (m *FailRequest) Reset()              { *m = FailRequest{} }
func (m *FailRequest) String() string      { return m.Message }
func (m *FailRequest) ProtoMessage()       {}
func (m *DescribeResponse) Reset()         { *m = DescribeResponse{} }
func (m *DescribeResponse) String() string { return fmt.Sprint(m.Metadata) }
func (m *DescribeResponse) ProtoMessage()  {}

var _ proto.Message = (*EchoRequest)(nil)

// How an error reads: its code, its text, and the types of its details.
func say(name string, err error) {
	s, ok := status.FromError(err)
	if !ok {
		fmt.Printf("%s: %v\n", name, err)
		return
	}
	details := []string{}
	for _, detail := range s.Proto().GetDetails() {
		details = append(details, detail.TypeUrl)
	}
	line := fmt.Sprintf("%s: %v: %s %s", name, s.Code(), s.Message(), strings.Join(details, " "))
	fmt.Println(strings.TrimSpace(line))
}

func echo(client *ttrpc.Client, size int, first byte) (bool, error) {
	request := &EchoRequest{Payload: make([]byte, size)}
	if size > 0 {
		request.Payload[0] = first
	}
	response := &EchoResponse{}
	err := client.Call(context.Background(), service, "Echo", request, response)
	return err == nil && string(response.Payload) == string(request.Payload), err
}

func echoesAtOnce(client *ttrpc.Client) bool {
	var group sync.WaitGroup
	results := make([]bool, 64)
	for index := range results {
		group.Add(1)
		go func(index int) {
			defer group.Done()
			results[index], _ = echo(client, 1000, byte(index))
		}(index)
	}
	group.Wait()
	for _, fine := range results {
		if !fine {
			return false
		}
	}
	return true
}

func main() {
	connection, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	client := ttrpc.NewClient(connection)
	defer client.Close()

	for _, size := range []int{0, 5, 200_000, 4_000_000} {
		fine, err := echo(client, size, 'x')
		fmt.Printf("echo %d: %v %v\n", size, fine, err)
	}
	fmt.Printf("echoes: %v\n", echoesAtOnce(client))

	background := context.Background()
	failure := &FailRequest{Code: 5, Message: "no such car", WithDetail: true}
	say("fail", client.Call(background, service, "Fail", failure, &EchoResponse{}))
	say("method", client.Call(background, service, "Nothing", failure, &EchoResponse{}))
	say("large", client.Call(background, service, "Echo", &EchoRequest{AnswerBytes: 5_000_000}, &EchoResponse{}))
	say("stream", client.Call(background, service, "Watch", &EchoRequest{Payload: []byte("x")}, &EchoResponse{}))

	described := &DescribeResponse{}
	metadata := ttrpc.MD{}
	metadata.Set("Car", "Beetle")
	limited, cancel := context.WithTimeout(ttrpc.WithMetadata(background, metadata), 300*time.Second)
	err = client.Call(limited, service, "Describe", &EchoRequest{}, described)
	cancel()
	seconds := described.RemainingMicroseconds / 1_000_000
	fmt.Printf("describe: %v %v %v\n", described.Metadata, seconds > 100 && seconds <= 300, err)
	err = client.Call(background, service, "Describe", &EchoRequest{}, described)
	seconds = described.RemainingMicroseconds / 1_000_000
	fmt.Printf("default: %v %v\n", seconds <= 15, err)

	metadata = ttrpc.MD{"Car": []string{"Beetle"}}
	say("metadata", client.Call(ttrpc.WithMetadata(background, metadata), service, "Describe", &EchoRequest{}, described))

	// The caller's own clock is left out, so that the server is who says that the time is over.
	request := &ttrpc.Request{Service: service, Method: "Hang", TimeoutNano: int64(20 * time.Millisecond)}
	raw := ttrpc.NewClient(dial(), ttrpc.WithUnaryClientInterceptor(
		func(ctx context.Context, _ *ttrpc.Request, out *ttrpc.Response, _ *ttrpc.UnaryClientInfo, invoke ttrpc.Invoker) error {
			return invoke(ctx, request, out)
		}))
	defer raw.Close()
	say("timeout", raw.Call(background, service, "Hang", &EchoRequest{}, &EchoResponse{}))
}

func dial() net.Conn {
	connection, err := net.Dial("tcp", os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	return connection
}
