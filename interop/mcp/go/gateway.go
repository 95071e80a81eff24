package interop

import (
	"bufio"
	"bytes"
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
)

// Maximum time that a test waits for an event that was pushed.
const heardWithin = 20 * time.Second

var listening = regexp.MustCompile(`listening on (http://[\d.]+:\d+)`)

// start starts a gateway that ends with the test, and returns its address.
func start(t *testing.T) string {
	t.Helper()
	process := exec.Command(os.Getenv("FANFARE_BIN"), "serve", "--listen", "127.0.0.1:0", "--store", filepath.Join(t.TempDir(), "fanfare.db"))
	process.Env = append(os.Environ(), "FANFARE_TOOLSET=all")
	said, err := process.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if found := listening.FindStringSubmatch(lines.Text()); found != nil {
			// What it logs from here on must not fill the pipe.
			go func() {
				for lines.Scan() {
				}
			}()
			return found[1]
		}
	}
	t.Fatal("the gateway did not say where it listens")
	return ""
}

// listener is somebody who listens beside the client under test, by plain HTTP, and pushes from outside.
type listener struct {
	url    string
	events chan map[string]any
}

func listen(t *testing.T, url string) *listener {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(end)
	request, err := http.NewRequestWithContext(ctx, "GET", url+"/stream?format=json", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the stream was answered with %d", answer.StatusCode)
	}
	one := &listener{url: url, events: make(chan map[string]any, 1024)}
	go func() {
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var event map[string]any
			data, isData := strings.CutPrefix(lines.Text(), "data: ")
			if isData && json.Unmarshal([]byte(data), &event) == nil && event["id"] != nil {
				one.events <- event
			}
		}
	}()
	return one
}

// push pushes an event and returns its id.
func (l *listener) push(event any) (string, error) {
	body, err := json.Marshal(event)
	if err != nil {
		return "", err
	}
	answer, err := http.Post(l.url+"/api/push", "application/json", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var pushed struct{ ID string }
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("a push was answered with %d", answer.StatusCode)
	}
	return pushed.ID, json.NewDecoder(answer.Body).Decode(&pushed)
}

// heard returns everything up to a mark that is pushed now: what is not there by then was not pushed.
func (l *listener) heard() ([]any, error) {
	mark, err := l.push(map[string]any{"message": "mark", "channel": "marks"})
	if err != nil {
		return nil, err
	}
	heard := []any{}
	late := time.After(heardWithin)
	for {
		select {
		case event := <-l.events:
			if event["id"] == mark {
				return heard, nil
			}
			heard = append(heard, event)
		case <-late:
			return nil, fmt.Errorf("the mark was not heard, only %s", brief(heard))
		}
	}
}

func (l *listener) roundTrip() error {
	answer, err := http.Get(l.url + "/health")
	if err != nil {
		return err
	}
	return answer.Body.Close()
}
