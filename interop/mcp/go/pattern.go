package interop

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
)

// words are what a pattern is read with: the era, and the values that earlier steps saved.
type words struct {
	era   string
	saved map[string]any
}

// missing stands for a member that is not there.
type missing struct{}

var placeholder = regexp.MustCompile(`\$\{(\w+)\}`)

// expect returns an error that says where value is not what pattern wants. `pattern.mjs` reads the same language.
func (w words) expect(pattern, value any, at string) error {
	wrong := func(wanted string) error {
		if at == "" {
			at = "the answer"
		}
		return fmt.Errorf("%s is %s, and should be %s", at, brief(value), wanted)
	}
	switch pattern := pattern.(type) {
	case []any:
		list, isList := value.([]any)
		if !isList || len(list) != len(pattern) {
			return wrong(brief(pattern))
		}
		for index, each := range pattern {
			if err := w.expect(each, list[index], fmt.Sprintf("%s[%d]", at, index)); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		isWord := false
		for name, wanted := range pattern {
			if name[0] == '$' {
				isWord = true
				if err := w.test(name, wanted, value, at, wrong); err != nil {
					return err
				}
			}
		}
		if isWord {
			return nil
		}
		object, isObject := value.(map[string]any)
		if !isObject {
			return wrong("an object")
		}
		for name, each := range pattern {
			member, isThere := object[name]
			if !isThere {
				member = missing{}
			}
			if err := w.expect(each, member, at+"."+name); err != nil {
				return err
			}
		}
		return nil
	}
	wanted, err := w.fill(pattern)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(wanted, value) {
		return wrong(brief(wanted))
	}
	return nil
}

func (w words) test(name string, wanted, value any, at string, wrong func(string) error) error {
	switch name {
	case "$match":
		if text, isText := value.(string); !isText || !regexp.MustCompile(wanted.(string)).MatchString(text) {
			return wrong("something that matches " + wanted.(string))
		}
	case "$type":
		if typeOf(value) != wanted {
			return wrong(fmt.Sprintf("of type %s", wanted))
		}
	case "$not":
		if reflect.DeepEqual(wanted, value) {
			return wrong("anything but " + brief(wanted))
		}
	case "$era":
		return w.expect(wanted.(map[string]any)[w.era], value, at)
	case "$has":
		list, isList := value.([]any)
		if !isList {
			return wrong("a list")
		}
		for _, each := range wanted.([]any) {
			found := false
			for _, item := range list {
				found = found || w.expect(each, item, at) == nil
			}
			if !found {
				return wrong("a list with " + brief(each))
			}
		}
	case "$each":
		list, isList := value.([]any)
		if !isList {
			return wrong("a list")
		}
		for index, item := range list {
			if err := w.expect(wanted, item, fmt.Sprintf("%s[%d]", at, index)); err != nil {
				return err
			}
		}
	case "$save":
		w.saved[wanted.(string)] = value
	default:
		return fmt.Errorf("scenario.json has the unknown word `%s`", name)
	}
	return nil
}

// fill puts what was saved where `${name}` stands, in everything that is sent or compared.
func (w words) fill(value any) (any, error) {
	switch value := value.(type) {
	case string:
		var failed error
		filled := placeholder.ReplaceAllStringFunc(value, func(found string) string {
			name := placeholder.FindStringSubmatch(found)[1]
			saved, isText := w.saved[name].(string)
			if !isText {
				failed = fmt.Errorf("no earlier step has given `%s`", name)
			}
			return saved
		})
		return filled, failed
	case []any:
		filled := make([]any, len(value))
		for index, each := range value {
			var err error
			if filled[index], err = w.fill(each); err != nil {
				return nil, err
			}
		}
		return filled, nil
	case map[string]any:
		filled := make(map[string]any, len(value))
		for name, each := range value {
			var err error
			if filled[name], err = w.fill(each); err != nil {
				return nil, err
			}
		}
		return filled, nil
	}
	return value, nil
}

func typeOf(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "boolean"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	}
	return "nothing"
}

func brief(value any) string {
	if _, isMissing := value.(missing); isMissing {
		return "missing"
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	if len(text) > 600 {
		return string(text[:600]) + "…"
	}
	return string(text)
}

// plain returns a value as JSON has it: objects, lists, texts, numbers and truth values.
func plain(value any) (any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var plain any
	return plain, json.Unmarshal(text, &plain)
}
