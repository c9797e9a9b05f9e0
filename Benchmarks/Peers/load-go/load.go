// SPDX-License-Identifier: Apache-2.0

// Package load is what the load clients and servers written in Go have in common: the command line, the workers, the
// histogram and the line of JSON at the end. Peers/shared and Peers/load-swift are the same in C and Swift.
package load

import (
	"flag"
	"fmt"
	"math/bits"
	"net"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Options of a client's command line.
type Options struct {
	Connect     string
	Scenario    string
	Payload     int
	InFlight    int
	Connections int
	Seconds     float64
	WarmUp      float64
	Rate        float64
	Calls       int64
	SlowPercent float64
	DelayUS     int
	Rounds      int
	Hold        float64
}

// ParseClient reads the command line, or ends the program.
func ParseClient() *Options {
	o := &Options{}
	flag.StringVar(&o.Connect, "connect", "", "HOST:PORT")
	flag.StringVar(&o.Scenario, "scenario", "unary", "unary, server-stream, client-stream, bidi or pi")
	flag.IntVar(&o.Payload, "payload", 64, "bytes")
	flag.IntVar(&o.InFlight, "in-flight", 1, "calls, or streams, at the same time over all connections")
	flag.IntVar(&o.Connections, "connections", 1, "connections")
	flag.Float64Var(&o.Seconds, "seconds", 1, "the window in which calls count")
	flag.Float64Var(&o.WarmUp, "warm-up", 0.5, "seconds ahead of it")
	flag.Float64Var(&o.Rate, "rate", 0, "calls a second in an open loop; 0 for a closed loop")
	flag.Int64Var(&o.Calls, "calls", 0, "this many in all, instead of a time")
	flag.Float64Var(&o.SlowPercent, "slow-percent", 0, "of the calls that ask for a delay")
	flag.IntVar(&o.DelayUS, "delay-us", 5000, "which")
	flag.IntVar(&o.Rounds, "rounds", 100_000, "of the series for pi")
	flag.Float64Var(&o.Hold, "hold", 0, "seconds that the connections stay open and idle after the report")
	flag.Parse()
	if o.InFlight < o.Connections {
		o.InFlight = o.Connections
	}
	allowFiles()
	return o
}

// Listen opens what --listen says and tells the harness once it is open. Its caller serves, and Stop ends it.
func Listen() net.Listener {
	address := flag.String("listen", "127.0.0.1:0", "HOST:PORT")
	flag.Bool("offload", false, "without effect: every call has a goroutine of its own")
	flag.Parse()
	allowFiles()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		Fail(err)
	}
	return listener
}

// SayListening tells the harness that calls can come, and ends the program at SIGTERM.
func SayListening(listener net.Listener) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		os.Exit(0)
	}()
	fmt.Printf("listening %d\n", listener.Addr().(*net.TCPAddr).Port)
}

// Fail ends the program.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func allowFiles() {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		limit.Cur = limit.Max
		syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
	}
}

// 64 steps an octave: a recorded time is at most 1.6 % off.
const buckets = 64 * 59

// Meter is what one goroutine has seen.
type Meter struct {
	load                             *Load
	calls, total, errors, bytes, sum uint64
	max, slowCalls                   uint64
	counts                           [buckets]uint64
}

// Load is one run.
type Load struct {
	*Options
	start, windowStart, windowEnd time.Time
	issued                        int64
	shown                         int64
}

// New starts the clock.
func New(o *Options) *Load {
	l := &Load{Options: o, start: time.Now()}
	l.windowStart = l.start
	if o.Calls == 0 {
		l.windowStart = l.start.Add(time.Duration(o.WarmUp * 1e9))
		l.windowEnd = l.windowStart.Add(time.Duration(o.Seconds * 1e9))
	} else {
		l.windowEnd = l.start.Add(24 * time.Hour)
	}
	return l
}

// More says whether a further call is to be made, and counts it.
func (l *Load) More() bool {
	if l.Calls > 0 {
		return atomic.AddInt64(&l.issued, 1) <= l.Calls
	}
	return time.Now().Before(l.windowEnd)
}

// StreamMessages is how many messages a stream carries before the next one is opened: enough that opening costs nothing.
func (l *Load) StreamMessages() int {
	if l.Calls > 0 {
		return 8
	}
	count := (8 << 20) / (l.Payload + 64)
	if count > 10000 {
		count = 10000
	}
	if count < 8 {
		count = 8
	}
	return count
}

// Unary runs the workers, each of which calls over and over on its connection, and reports.
func (l *Load) Unary(call func(connection int, slow bool) error) {
	l.workers(func(worker int, m *Meter) {
		connection := worker % l.Connections
		for turn := 0; l.More(); turn++ {
			slow := m.isSlow()
			start := time.Now()
			if l.Rate > 0 {
				due := l.start.Add(time.Duration((float64(worker) + float64(turn)*float64(l.InFlight)) * 1e9 / l.Rate))
				if due.After(l.windowEnd) {
					return
				}
				if wait := due.Sub(start); wait > 0 {
					time.Sleep(wait)
				}
				start = due
			}
			if err := call(connection, slow); err != nil {
				m.Failed(err)
				continue
			}
			m.done(start, slow)
		}
	})
}

// Streams runs the workers, each of which opens streams over and over on its connection, and reports.
func (l *Load) Streams(stream func(connection int, m *Meter) error) {
	l.workers(func(worker int, m *Meter) {
		for l.More() {
			if err := stream(worker%l.Connections, m); err != nil {
				m.Failed(err)
			}
		}
	})
}

func (l *Load) workers(run func(worker int, m *Meter)) {
	meters := make([]*Meter, l.InFlight)
	var group sync.WaitGroup
	for worker := range meters {
		meters[worker] = &Meter{load: l}
		group.Add(1)
		go func(worker int) {
			defer group.Done()
			run(worker, meters[worker])
		}(worker)
	}
	group.Wait()
	l.report(meters)
}

func (m *Meter) isSlow() bool {
	if m.load.SlowPercent <= 0 {
		return false
	}
	m.slowCalls++
	return (m.slowCalls-1)%uint64(100/m.load.SlowPercent) == 0
}

// A call ended well; slow calls are not in the histogram.
func (m *Meter) done(start time.Time, slow bool) {
	now := time.Now()
	m.total++
	if now.Before(m.load.windowStart) || !now.Before(m.load.windowEnd) {
		return
	}
	m.calls++
	m.bytes += uint64(m.load.Payload)
	if slow {
		return
	}
	took := uint64(0)
	if now.After(start) {
		took = uint64(now.Sub(start))
	}
	m.counts[bucketOf(took)]++
	m.sum += took
	if took > m.max {
		m.max = took
	}
}

// Message counts messages of a stream that have arrived.
func (m *Meter) Message(count uint64) {
	now := time.Now()
	m.total += count
	if now.Before(m.load.windowStart) || !now.Before(m.load.windowEnd) {
		return
	}
	m.calls += count
	m.bytes += uint64(m.load.Payload) * count
}

// Failed counts a call that did not end well.
func (m *Meter) Failed(err error) {
	m.errors++
	if atomic.AddInt64(&m.load.shown, 1) <= 3 {
		fmt.Fprintln(os.Stderr, "a call failed:", err)
	}
}

func bucketOf(value uint64) int {
	if value < 64 {
		return int(value)
	}
	exponent := 63 - bits.LeadingZeros64(value)
	return (exponent-5)<<6 + int(value>>(exponent-6)&63)
}

// The middle of a bucket.
func valueOf(bucket int) float64 {
	if bucket < 64 {
		return float64(bucket)
	}
	exponent := bucket>>6 + 5
	return float64(uint64(64+bucket&63)<<(exponent-6)) * (1 + 1.0/256)
}

func (m *Meter) percentile(share float64) float64 {
	all, seen := uint64(0), uint64(0)
	for _, count := range m.counts {
		all += count
	}
	wanted := uint64(float64(all) * share)
	for bucket, count := range m.counts {
		seen += count
		if seen > wanted || seen == all {
			return valueOf(bucket) / 1000
		}
	}
	return 0
}

func (l *Load) report(meters []*Meter) {
	seconds := l.Seconds
	if l.Calls > 0 {
		seconds = time.Since(l.start).Seconds()
	}
	all, timed := Meter{load: l}, uint64(0)
	for _, one := range meters {
		all.calls += one.calls
		all.total += one.total
		all.errors += one.errors
		all.bytes += one.bytes
		all.sum += one.sum
		if one.max > all.max {
			all.max = one.max
		}
		for bucket, count := range one.counts {
			all.counts[bucket] += count
			timed += count
		}
	}
	fmt.Printf(`{"calls": %d, "total_calls": %d, "seconds": %.6f, "errors": %d, "bytes": %d`,
		all.calls, all.total, seconds, all.errors, all.bytes)
	if timed > 0 {
		fmt.Printf(`, "mean_us": %.2f, "p50_us": %.2f, "p90_us": %.2f, "p99_us": %.2f, "p999_us": %.2f, "max_us": %.2f`,
			float64(all.sum)/float64(timed)/1000, all.percentile(0.5), all.percentile(0.9), all.percentile(0.99),
			all.percentile(0.999), float64(all.max)/1000)
	}
	fmt.Println("}")
	time.Sleep(time.Duration(l.Hold * 1e9))
	if all.errors > 0 || all.total == 0 {
		os.Exit(1)
	}
}

// Pi by Leibniz' series, as in niklas-heer/speed-comparison.
func Pi(rounds uint32) float64 {
	x, pi := 1.0, 1.0
	for index := uint32(2); index < rounds+2; index++ {
		x = -x
		pi += x / (2*float64(index) - 1)
	}
	return pi * 4
}
