// Package interop runs scenario.json with the Go SDK: a test for each step. `node/scenario.mjs` does the same for node's
// clients.
package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
)

const (
	runner     = "go"
	runWithin  = 3 * time.Minute
	stepWithin = 40 * time.Second
)

type step struct {
	Name      string
	Needs     []string
	Ask       string
	Params    any
	Answer    any
	Error     map[string]any
	Progress  any
	Server    any
	Push      any
	Meanwhile any
	Subscribe string
	Updated   []any
	Heard     []any
}

type run struct{ Runner, Client, Transport, Era, Cannot string }

func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile("../" + name)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestScenario(t *testing.T) {
	var scenario struct{ Steps []step }
	var clients struct {
		Runs   []run
		Cannot map[string]map[string]string
	}
	read(t, "scenario.json", &scenario)
	read(t, "clients.json", &clients)
	mine := slices.DeleteFunc(clients.Runs, func(one run) bool { return one.Runner != runner })
	if len(mine) == 0 {
		t.Fatal("clients.json has no run for " + runner)
	}
	for _, one := range mine {
		t.Run(fmt.Sprintf("%s, %s, %s", one.Client, one.Transport, one.Era), func(t *testing.T) {
			t.Parallel()
			play(t, one, scenario.Steps, clients.Cannot[one.Cannot])
		})
	}
}

func play(t *testing.T, one run, steps []step, lacks map[string]string) {
	ctx, end := context.WithTimeout(context.Background(), runWithin)
	t.Cleanup(end)
	url := start(t)
	client, err := connect(ctx, url, one.Transport, one.Era)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.session.Close() })
	era := "modern"
	if one.Era == "legacy" {
		era = "legacy"
	}
	world := &world{words{era, map[string]any{}}, client, listen(t, url)}
	for _, step := range steps {
		t.Run(step.Name, func(t *testing.T) {
			ctx, end := context.WithTimeout(ctx, stepWithin)
			defer end()
			err := world.take(ctx, step)
			if err != nil {
				// What this step has left in the air must not be taken for the next one's.
				_, _ = world.listener.heard()
			}
			for _, need := range step.Needs {
				if reason, isLacking := lacks[need]; isLacking {
					if err == nil {
						t.Fatalf("clients.json says that it cannot: %s", reason)
					}
					return
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

// world is the client, and somebody who listens beside it.
type world struct {
	words
	client   *client
	listener *listener
}

func (w *world) take(ctx context.Context, step step) error {
	if step.Push != nil {
		if err := w.push(step.Push); err != nil {
			return err
		}
	}
	if step.Subscribe != "" {
		if err := w.subscribed(ctx, step); err != nil {
			return err
		}
	}
	if step.Server != nil {
		if err := w.expect(step.Server, w.client.server(), ""); err != nil {
			return err
		}
	}
	if step.Ask != "" {
		if err := w.asked(ctx, step); err != nil {
			return err
		}
	}
	heard, err := w.listener.heard()
	if err != nil || step.Heard == nil {
		return err
	}
	return w.expect(step.Heard, heard, "what was heard")
}

func (w *world) push(event any) error {
	event, err := w.fill(event)
	if err != nil {
		return err
	}
	w.saved["pushed"], err = w.listener.push(event)
	return err
}

type answer struct {
	result  any
	refused *refused
	err     error
}

func (w *world) asked(ctx context.Context, step step) error {
	params, err := w.fill(step.Params)
	if err != nil {
		return err
	}
	answers := make(chan answer, 1)
	go func() {
		result, refused, err := w.client.ask(ctx, step.Ask, params, step.Progress != nil)
		answers <- answer{result, refused, err}
	}()
	if step.Meanwhile != nil {
		// A call that waits has not been answered while a question of ours went to the gateway and back.
		if err := w.listener.roundTrip(); err != nil {
			return err
		}
		if len(answers) > 0 {
			return errors.New("it was answered before anything was pushed")
		}
		if err := w.push(step.Meanwhile); err != nil {
			return err
		}
	}
	got := <-answers
	switch {
	case got.err != nil:
		return got.err
	case step.Error != nil && got.refused == nil:
		return fmt.Errorf("it was answered, not refused: %s", brief(got.result))
	case step.Error != nil:
		return w.expect(step.Error, map[string]any{"code": float64(got.refused.code), "message": got.refused.message}, "")
	case got.refused != nil:
		return fmt.Errorf("refused: %d %s", got.refused.code, got.refused.message)
	}
	if step.Answer != nil {
		if err := w.expect(step.Answer, got.result, ""); err != nil {
			return err
		}
	}
	if step.Progress == nil {
		return nil
	}
	select {
	case told := <-w.client.progress:
		progress, err := plain(told)
		if err != nil {
			return err
		}
		return w.expect(step.Progress, progress, "the progress")
	case <-ctx.Done():
		return errors.New("no progress was told")
	}
}

func (w *world) subscribed(ctx context.Context, step step) error {
	if err := w.client.subscribe(ctx, step.Subscribe); err != nil {
		return err
	}
	if err := w.push(step.Meanwhile); err != nil {
		return err
	}
	for _, uri := range step.Updated {
		select {
		case updated := <-w.client.updates:
			if err := w.expect(uri, updated, "the resource that changed"); err != nil {
				return err
			}
		case <-ctx.Done():
			return errors.New("no update was told")
		}
	}
	return w.client.unsubscribe(ctx, step.Subscribe)
}
