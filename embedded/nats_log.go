package embedded

import (
	"context"
	"fmt"
	"log/slog"
)

// serverLog hands the server's words to slog.
type serverLog struct{ log *slog.Logger }

func (l serverLog) Errorf(format string, v ...any) { l.say(slog.LevelError, format, v) }
func (l serverLog) Fatalf(format string, v ...any) { l.say(slog.LevelError, format, v) }
func (l serverLog) Warnf(format string, v ...any)  { l.say(slog.LevelWarn, format, v) }
func (l serverLog) Noticef(string, ...any)         {}
func (l serverLog) Debugf(string, ...any)          {}
func (l serverLog) Tracef(string, ...any)          {}

func (l serverLog) say(level slog.Level, format string, v []any) {
	l.log.Log(context.Background(), level, "nats server", slog.String("text", fmt.Sprintf(format, v...)))
}
