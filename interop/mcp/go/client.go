package interop

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The newest revision of the legacy era. Without a revision, the SDK detects the era.
const legacyRevision = "2025-11-25"

// refused is what the server answered instead of a result.
type refused struct {
	code    int64
	message string
}

// client is the Go SDK's client, with what it was told beside the answers.
type client struct {
	session  *mcp.ClientSession
	progress chan *mcp.ProgressNotificationParams
	updates  chan string
}

func connect(ctx context.Context, url, transport, era string) (*client, error) {
	one := &client{progress: make(chan *mcp.ProgressNotificationParams, 64), updates: make(chan string, 64)}
	sdk := mcp.NewClient(&mcp.Implementation{Name: "interop", Version: "1"}, &mcp.ClientOptions{
		ProgressNotificationHandler: func(_ context.Context, told *mcp.ProgressNotificationClientRequest) {
			one.progress <- told.Params
		},
		ResourceUpdatedHandler: func(_ context.Context, told *mcp.ResourceUpdatedNotificationRequest) {
			one.updates <- told.Params.URI
		},
	})
	options := &mcp.ClientSessionOptions{}
	if era == "legacy" {
		options.ProtocolVersion = legacyRevision
	}
	var way mcp.Transport
	switch transport {
	case "HTTP":
		way = &mcp.StreamableClientTransport{Endpoint: url + "/mcp"}
	case "HTTP+SSE":
		way = &mcp.SSEClientTransport{Endpoint: url + "/sse"}
	case "stdio":
		command := exec.Command(os.Getenv("FANFARE_BIN"), "mcp")
		command.Env = append(os.Environ(), "FANFARE_URL="+url)
		way = &mcp.CommandTransport{Command: command}
	default:
		return nil, fmt.Errorf("clients.json has the unknown transport `%s`", transport)
	}
	session, err := sdk.Connect(ctx, way, options)
	one.session = session
	return one, err
}

func (c *client) server() map[string]any {
	said := c.session.InitializeResult()
	return map[string]any{
		"name":         said.ServerInfo.Name,
		"version":      said.ServerInfo.Version,
		"instructions": said.Instructions,
		"revision":     said.ProtocolVersion,
	}
}

// ask sends a request with the SDK's own method for it, and returns the result as JSON has it.
func (c *client) ask(ctx context.Context, method string, params any, wantsProgress bool) (any, *refused, error) {
	text, err := json.Marshal(params)
	if err != nil {
		return nil, nil, err
	}
	var result any
	switch method {
	case "tools/list":
		result, err = c.session.ListTools(ctx, nil)
	case "tools/call":
		var call mcp.CallToolParams
		if err := json.Unmarshal(text, &call); err != nil {
			return nil, nil, err
		}
		if wantsProgress {
			call.SetProgressToken("progress")
		}
		result, err = c.session.CallTool(ctx, &call)
	case "resources/list":
		result, err = c.session.ListResources(ctx, nil)
	case "resources/templates/list":
		result, err = c.session.ListResourceTemplates(ctx, nil)
	case "resources/read":
		result, err = asked(text, func(params *mcp.ReadResourceParams) (any, error) { return c.session.ReadResource(ctx, params) })
	case "prompts/list":
		result, err = c.session.ListPrompts(ctx, nil)
	case "prompts/get":
		result, err = asked(text, func(params *mcp.GetPromptParams) (any, error) { return c.session.GetPrompt(ctx, params) })
	case "completion/complete":
		result, err = asked(text, func(params *mcp.CompleteParams) (any, error) { return c.session.Complete(ctx, params) })
	default:
		return nil, nil, fmt.Errorf("scenario.json asks for the unknown method `%s`", method)
	}
	var answered *jsonrpc.Error
	if errors.As(err, &answered) {
		return nil, &refused{answered.Code, answered.Message}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	result, err = plain(result)
	return result, nil, err
}

func asked[Params any](text []byte, ask func(*Params) (any, error)) (any, error) {
	var params Params
	if err := json.Unmarshal(text, &params); err != nil {
		return nil, err
	}
	return ask(&params)
}

func (c *client) subscribe(ctx context.Context, uri string) error {
	return c.session.Subscribe(ctx, &mcp.SubscribeParams{URI: uri})
}

func (c *client) unsubscribe(ctx context.Context, uri string) error {
	return c.session.Unsubscribe(ctx, &mcp.UnsubscribeParams{URI: uri})
}
