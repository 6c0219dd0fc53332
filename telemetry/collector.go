package telemetry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector speaks OTLP over HTTP. OpenTelemetry's own client does the same, and brings
// gRPC with it, which nothing else here needs.
type collector struct {
	address string
	headers map[string]string
	http    *http.Client
}

func newCollector(cfg Config) *collector {
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConns: 1, IdleConnTimeout: 10 * cfg.Every}
	return &collector{
		address: address(cfg.Endpoint), headers: cfg.Headers,
		http: &http.Client{
			Transport: transport, Timeout: cfg.Timeout,
			// A header with a secret goes where the configuration says, and nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Start does nothing: a connection is made when there is something to send.
func (*collector) Start(context.Context) error { return nil }

// Stop lets the connection go.
func (c *collector) Stop(context.Context) error {
	c.http.CloseIdleConnections()
	return nil
}

// UploadTraces sends spans once.
func (c *collector) UploadTraces(ctx context.Context, spans []*otlp.ResourceSpans) error {
	// On the wire this is ExportTraceServiceRequest: the same one field under the same number.
	body, err := proto.Marshal(&otlp.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("write spans: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("send spans: %w", bare(err))
	}
	request.Header.Set("Content-Type", "application/x-protobuf")
	for name, value := range c.headers {
		request.Header.Set(name, value)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return fmt.Errorf("send spans: %w", bare(err))
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("send spans: the collector answers %d", answer.StatusCode)
	}
	return nil
}

// bare is an error without the address that was asked.
func bare(err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		return asked.Err
	}
	return err
}
