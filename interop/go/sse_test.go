// The Go client r3labs/sse listens to /stream, loses the gateway to a SIGKILL, and reconnects by itself for what it missed.
package interop

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/r3labs/sse/v2"
	"gopkg.in/cenkalti/backoff.v1"
)

const deadline = 30 * time.Second

var listening = regexp.MustCompile(`listening on http://([\d.]+:\d+)`)

type gateway struct {
	t       *testing.T
	store   string
	address string
	process *exec.Cmd
}

// start starts the gateway where it was: at the same address, with the same store.
func (g *gateway) start() {
	g.t.Helper()
	g.process = exec.Command(os.Getenv("FANFARE_BIN"), "serve", "--listen", g.address, "--store", g.store)
	said, err := g.process.StderrPipe()
	if err != nil {
		g.t.Fatal(err)
	}
	if err := g.process.Start(); err != nil {
		g.t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			g.address = found[1]
			// What it logs from here on must not fill the pipe.
			go func() {
				for lines.Scan() {
				}
			}()
			return
		}
	}
	g.t.Fatal("the gateway did not say where it listens")
}

func (g *gateway) kill() {
	_ = g.process.Process.Kill()
	_ = g.process.Wait()
}

func (g *gateway) push(messages ...string) {
	g.t.Helper()
	for _, message := range messages {
		answer, err := http.Post("http://"+g.address+"/api/push/a?wait=0s", "text/plain", strings.NewReader(message))
		if err != nil {
			g.t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			g.t.Fatalf("a push was answered with %d", answer.StatusCode)
		}
	}
}

func TestAListenerOutlivesTheGateway(t *testing.T) {
	g := &gateway{t: t, store: filepath.Join(t.TempDir(), "fanfare.db"), address: "127.0.0.1:0"}
	g.start()
	defer func() { g.kill() }()

	client := sse.NewClient("http://" + g.address + "/stream?format=json")
	client.ReconnectStrategy = backoff.NewConstantBackOff(100 * time.Millisecond)
	connected, lost := make(chan struct{}, 8), make(chan struct{}, 8)
	client.ResponseValidator = func(_ *sse.Client, answer *http.Response) error {
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("the stream was answered with %d", answer.StatusCode)
		}
		connected <- struct{}{}
		return nil
	}
	client.OnDisconnect(func(*sse.Client) { lost <- struct{}{} })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	got := make(chan string, 16)
	go func() {
		_ = client.SubscribeRawWithContext(ctx, func(event *sse.Event) {
			// When a stream breaks off, this library reports the unfinished block. Frames that are not events, such as
			// `caught-up`, have a name.
			if len(event.Data) == 0 || len(event.Event) > 0 {
				return
			}
			var pushed struct{ Message string }
			if err := json.Unmarshal(event.Data, &pushed); err != nil {
				t.Errorf("not an event: %q", event.Data)
			}
			got <- pushed.Message
		})
	}()
	wait := func(what string, sign chan struct{}) {
		t.Helper()
		select {
		case <-sign:
		case <-time.After(deadline):
			t.Fatalf("waited in vain for %s", what)
		}
	}
	expect := func(messages ...string) {
		t.Helper()
		for _, wanted := range messages {
			select {
			case message := <-got:
				if message != wanted {
					t.Fatalf("got %q, wanted %q", message, wanted)
				}
			case <-time.After(deadline):
				t.Fatalf("waited in vain for %q", wanted)
			}
		}
	}

	wait("a connection", connected)
	g.push("1", "2")
	expect("1", "2")
	g.kill()
	wait("the end of the stream", lost)
	g.start()
	g.push("3 while away", "4 while away")
	expect("3 while away", "4 while away")
	g.push("5 live again")
	expect("5 live again")
}
