package rig

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Suite says what is run.
type Suite struct {
	Parts  []Part
	Rounds int
	Size   int           // operations of a run
	Span   time.Duration // of a run whose operations are not counted beforehand
	Out    io.Writer     // hears how far it has come
}

// Run runs every contestant of every part once in each round, in turns: what disturbs the
// machine for a while disturbs all of them. Who begins is another one in each round.
func (s Suite) Run(ctx context.Context, servers *Servers) ([]Result, error) {
	var results []Result
	for _, part := range s.Parts {
		result := newResult(part)
		for round := range s.Rounds {
			for turn := range part.Contestants {
				at := (round + turn) % len(part.Contestants)
				measure, err := s.run(ctx, servers, part, at, round)
				if err != nil {
					return nil, fmt.Errorf("%s of %s, round %d: %w", part.Name, part.Contestants[at].Name, round+1, err)
				}
				result.Contestants[at].Rounds = append(result.Contestants[at].Rounds, measure)
				fmt.Fprintf(s.Out, "%s, round %d of %d: %s did %d %s in %s, %s each second\n", part.Name, round+1, s.Rounds,
					part.Contestants[at].Name, measure.Operations, part.Unit, measure.Took.Round(time.Millisecond), number(measure.Rate()))
			}
		}
		results = append(results, result)
	}
	return results, nil
}

// runBound is more than most runs take.
const runBound = 10 * time.Minute

func (s Suite) run(ctx context.Context, servers *Servers, part Part, at, round int) (measure Measure, err error) {
	bound, cancel := context.WithTimeout(ctx, cmp.Or(part.Bound, runBound))
	defer cancel()
	r, err := servers.newRound(bound, fmt.Sprintf("%s_%d_%d", part.Name, round+1, at+1), s)
	if err != nil {
		return Measure{}, err
	}
	defer func() { err = errors.Join(err, r.close(context.WithoutCancel(ctx))) }()
	return part.Contestants[at].Run(bound, r)
}
