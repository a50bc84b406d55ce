// Renders the chart with Helm's own engine of templates (Go's text/template, sprig) where Helm itself cannot be had, as in
// CI: `render CHART RELEASE [VALUES.yaml]`. Knows of Helm's functions what the chart uses, and fails on any other.
package main

import (
	"fmt"
	"io/ioutil"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"github.com/ghodss/yaml"
)

type values = map[string]interface{}

func main() {
	chart, release := os.Args[1], os.Args[2]
	defaults := read(filepath.Join(chart, "values.yaml"))
	for _, file := range os.Args[3:] {
		merge(defaults, read(file))
	}
	meta := read(filepath.Join(chart, "Chart.yaml"))
	templates := template.New("chart").Option("missingkey=error")
	functions := sprig.TxtFuncMap()
	delete(functions, "env")
	delete(functions, "expandenv")
	functions["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	functions["include"] = func(name string, data interface{}) (string, error) {
		var text strings.Builder
		err := templates.ExecuteTemplate(&text, name, data)
		return text.String(), err
	}
	templates.Funcs(functions)
	files, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	check(err)
	for _, file := range files {
		text, err := ioutil.ReadFile(file)
		check(err)
		template.Must(templates.New(filepath.Base(file)).Parse(string(text)))
	}
	data := values{
		"Values":  defaults,
		"Chart":   values{"Name": meta["name"], "Version": meta["version"], "AppVersion": meta["appVersion"]},
		"Release": values{"Name": release, "Namespace": "default", "Service": "Helm"},
	}
	for _, file := range files {
		name := filepath.Base(file)
		if strings.HasPrefix(name, "_") || name == "NOTES.txt" {
			continue
		}
		var text strings.Builder
		check(templates.ExecuteTemplate(&text, name, data))
		if strings.TrimSpace(text.String()) != "" {
			fmt.Printf("---\n# Source: ringhold/templates/%s\n%s\n", name, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text.String()), "---")))
		}
	}
}

func read(file string) values {
	text, err := ioutil.ReadFile(file)
	check(err)
	read := values{}
	check(yaml.Unmarshal(text, &read))
	return read
}

func merge(into, from values) {
	for name, value := range from {
		inner, isMap := value.(values)
		former, wasMap := into[name].(values)
		if isMap && wasMap {
			merge(former, inner)
		} else {
			into[name] = value
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
