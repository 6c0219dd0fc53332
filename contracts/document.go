package contracts

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"
)

// deepest is how far references are followed: a schema that refers to itself has no end.
const deepest = 64

// documents reads files and follows what they refer to. A reference is replaced by what it
// refers to, so that whoever compares two contracts sees what they say and not how the files
// are divided.
type documents struct {
	files fs.FS
	read  map[string]any
}

func (d *documents) open(name string) (any, error) {
	if document, ok := d.read[name]; ok {
		return document, nil
	}
	text, err := fs.ReadFile(d.files, name)
	if err != nil {
		return nil, fmt.Errorf("read contract: %w", err)
	}
	var document any
	read := yaml.Unmarshal
	if path.Ext(name) == ".json" {
		read = json.Unmarshal // which is much faster
	}
	if err := read(text, &document); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	d.read[name] = document
	return document, nil
}

// whole returns a document without references.
func (d *documents) whole(name string) (any, error) {
	document, err := d.open(name)
	if err != nil {
		return nil, err
	}
	return d.resolve(name, document, 0)
}

func (d *documents) resolve(file string, value any, depth int) (any, error) {
	if depth > deepest {
		return nil, fmt.Errorf("%s: references without end", file)
	}
	switch value := value.(type) {
	case map[string]any:
		if reference, ok := value["$ref"].(string); ok {
			if len(value) > 1 {
				return nil, fmt.Errorf("%s: %s stands beside other words", file, reference)
			}
			return d.follow(file, reference, depth)
		}
		resolved := make(map[string]any, len(value))
		for name, inner := range value {
			var err error
			if resolved[name], err = d.resolve(file, inner, depth+1); err != nil {
				return nil, err
			}
		}
		return resolved, nil
	case []any:
		resolved := make([]any, len(value))
		for i, inner := range value {
			var err error
			if resolved[i], err = d.resolve(file, inner, depth+1); err != nil {
				return nil, err
			}
		}
		return resolved, nil
	default:
		return value, nil
	}
}

// follow returns what a reference (a file beside this one, a JSON Pointer, or both) means.
func (d *documents) follow(file, reference string, depth int) (any, error) {
	name, pointer, _ := strings.Cut(reference, "#")
	at := file
	if name != "" {
		at = path.Join(path.Dir(file), name)
	}
	value, err := d.open(at)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, word := range strings.Split(strings.TrimPrefix(pointer, "/"), "/") {
		if word == "" {
			continue
		}
		inner, ok := objectOf(value)[strings.NewReplacer("~1", "/", "~0", "~").Replace(word)]
		if !ok {
			return nil, fmt.Errorf("%s: %s leads nowhere", file, reference)
		}
		value = inner
	}
	return d.resolve(at, value, depth+1)
}
