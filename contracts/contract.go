package contracts

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// Contract is everything that others stand on, each by its place: "publish
// payment.requested", "subscribe payment.completed headers", "POST /v1/payments, 202
// application/json".
type Contract map[string]Place

// Place is one thing that others stand on.
type Place struct {
	Direction Direction
	Schema    *Schema // nil: anything
	Document  any     // the schema as it was written, without references; nil: anything
	Required  bool    // it must be there
	Fixed     string  // what must stay as it is: a subject's stream, an operation's security
	// Of is the operation it belongs to, if whoever uses that must know of it: when the
	// operation was there before, such a place must not come.
	Of string
}

// Direction is who writes what stands at a place.
type Direction string

// The directions.
const (
	Taken Direction = "taken" // others write it and settled reads it
	Told  Direction = "told"  // settled writes it and others read it
)

// Read reads a contract: asyncapi.yaml, openapi.yaml, and the schemas that they name.
func Read(files fs.FS) (Contract, error) {
	d := &documents{files: files, read: map[string]any{}}
	c := Contract{}
	for name, read := range map[string]func(object) error{"asyncapi.yaml": c.readMessages, "openapi.yaml": c.readHTTP} {
		document, err := d.whole(name)
		if err != nil {
			return nil, err
		}
		if err := read(objectOf(document)); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return c, nil
}

// object is a JSON object whose parts are read without asking twice whether they are there:
// what is missing is empty, and the tools that check the files say so.
type object map[string]any

func (o object) object(name string) object { return objectOf(o[name]) }
func (o object) text(name string) string   { text, _ := o[name].(string); return text }
func (o object) list(name string) []any    { list, _ := o[name].([]any); return list }
func (o object) yes(name string) bool      { yes, _ := o[name].(bool); return yes }
func (o object) names() []string           { return slices.Sorted(maps.Keys(o)) }

func objectOf(value any) object { inner, _ := value.(map[string]any); return inner }

// add adds a place with its schema.
func (c Contract) add(name string, p Place, document any) error {
	if document != nil {
		var err error
		if p.Schema, err = readSchema(document); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		p.Document = document
	}
	if _, twice := c[name]; twice {
		return fmt.Errorf("%s: stands twice", name)
	}
	c[name] = p
	return nil
}

// readMessages reads the operations of AsyncAPI. What settled receives others publish.
func (c Contract) readMessages(o object) error {
	for _, name := range o.object("operations").names() {
		operation := o.object("operations").object(name)
		place, direction := "publish ", Taken
		if operation.text("action") == "send" {
			place, direction = "subscribe ", Told
		}
		channel := operation.object("channel")
		address := channel.text("address")
		if address == "" || len(operation.list("messages")) != 1 {
			return fmt.Errorf("%s: an operation is one message at one address", name)
		}
		message := objectOf(operation.list("messages")[0])
		place += address
		if err := c.add(place, Place{Direction: direction, Required: true, Fixed: channel.text("x-stream")}, message["payload"]); err != nil {
			return err
		}
		if err := c.add(place+" headers", Place{Direction: direction, Required: true}, message["headers"]); err != nil {
			return err
		}
		for _, reply := range operation.object("reply").list("messages") {
			if err := c.add("reply to "+address, Place{Direction: Told}, objectOf(reply)["payload"]); err != nil {
				return err
			}
		}
	}
	return nil
}

// readHTTP reads the operations of OpenAPI.
func (c Contract) readHTTP(o object) error {
	for _, path := range o.object("paths").names() {
		item := o.object("paths").object(path)
		for _, method := range item.names() {
			if method == "parameters" {
				continue
			}
			operation := item.object(method)
			name := strings.ToUpper(method) + " " + path
			c[name] = Place{Direction: Taken, Fixed: proof(o, operation)}
			parameters := slices.Concat(item.list("parameters"), operation.list("parameters"))
			if err := c.readOperation(name, operation, parameters); err != nil {
				return err
			}
		}
	}
	return nil
}

// proof is how an operation knows who asks.
func proof(o, operation object) string {
	asked := o.list("security")
	if _, own := operation["security"]; own {
		asked = operation.list("security")
	}
	text := "no token"
	for _, one := range asked {
		for _, name := range objectOf(one).names() {
			scheme := o.object("components").object("securitySchemes").object(name)
			text = scheme.text("type") + " " + scheme.text("scheme")
		}
	}
	return text
}

func (c Contract) readOperation(name string, operation object, parameters []any) error {
	for _, one := range parameters {
		parameter := objectOf(one)
		p := Place{Direction: Taken, Required: parameter.yes("required"), Of: demanded(name, parameter.yes("required"))}
		if err := c.add(name+", "+parameter.text("in")+" "+parameter.text("name"), p, parameter["schema"]); err != nil {
			return err
		}
	}
	body := operation.object("requestBody")
	for _, kind := range body.object("content").names() {
		p := Place{Direction: Taken, Required: body.yes("required")}
		if err := c.add(name+", body "+kind, p, body.object("content").object(kind)["schema"]); err != nil {
			return err
		}
	}
	for _, status := range operation.object("responses").names() {
		if err := c.readAnswer(name, status, operation.object("responses").object(status)); err != nil {
			return err
		}
	}
	return nil
}

// readAnswer reads one status. Whoever knows the others takes another 2xx for a failure.
func (c Contract) readAnswer(name, status string, answer object) error {
	place := name + ", " + status
	c[place] = Place{Direction: Told, Of: demanded(name, strings.HasPrefix(status, "2"))}
	for _, header := range answer.object("headers").names() {
		h := answer.object("headers").object(header)
		if err := c.add(place+" header "+header, Place{Direction: Told, Required: h.yes("required")}, h["schema"]); err != nil {
			return err
		}
	}
	for _, kind := range answer.object("content").names() {
		if err := c.add(place+" "+kind, Place{Direction: Told}, answer.object("content").object(kind)["schema"]); err != nil {
			return err
		}
	}
	return nil
}

func demanded(operation string, yes bool) string {
	if yes {
		return operation
	}
	return ""
}
