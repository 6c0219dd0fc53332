package config

import (
	"path/filepath"
	"regexp"
	"strings"
)

const filePrefix = "file:"

// reference is ${NAME}, or what looks like the start of one; $${ stands for ${.
var (
	reference    = regexp.MustCompile(`\$\$\{|\$\{([^}]*)\}?`)
	variableName = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)
)

// refers reports whether a text takes its content from somewhere else.
func refers(text string) bool {
	return reference.MatchString(text) || strings.HasPrefix(text, filePrefix)
}

// expand puts in what the text refers to. What a variable or a file holds is taken as it
// is: nothing in it is expanded once more.
func (v value) expand(text string) (string, bool) {
	ok := true
	expanded := reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$${" {
			return "${"
		}
		content, there := v.variable(found)
		ok = ok && there
		return content
	})
	if !ok || !strings.HasPrefix(text, filePrefix) {
		return expanded, ok
	}
	return v.content(strings.TrimPrefix(expanded, filePrefix))
}

func (v value) variable(reference string) (string, bool) {
	name := variableName.FindStringSubmatch(reference)
	if name == nil {
		v.problem("${ must be followed by a variable's name and }; write $${ where no variable is meant")
		return "", false
	}
	content, there := v.lookup(name[1])
	if !there {
		v.problem("environment variable %s is not set", name[1])
	}
	return content, there
}

// content is what a file holds, without the newline that editors leave at its end.
func (v value) content(path string) (string, bool) {
	if !filepath.IsAbs(path) {
		v.problem("%q must be followed by an absolute path", filePrefix)
		return "", false
	}
	data, err := v.readFile(path)
	if err != nil {
		v.problem("the file it names can't be read: %v", err)
		return "", false
	}
	return strings.TrimRight(string(data), "\r\n"), true
}
