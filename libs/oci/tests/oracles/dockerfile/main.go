// Fills in what BuildKit's parser and shell lexer say of the cases in a table: of each Dockerfile its stages and instructions, of each word what it is with
// its variables expanded; null where they refuse. In a folder outside of the workspace:
//
//	go mod init oracle && go get github.com/moby/buildkit@v0.34.2 && go run . < expected.json > new.json
package main

import (
	"encoding/json"
	"io"
	"os"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

type file struct {
	Text string `json:"text"`
	// As JSON.
	Parsed *string `json:"parsed"`
}

type word struct {
	Text     string  `json:"text"`
	Escape   string  `json:"escape"`
	Expanded *string `json:"expanded"`
}

type table struct {
	Buildkit    string            `json:"buildkit"`
	Environment map[string]string `json:"environment"`
	Files       []file            `json:"files"`
	Words       []word            `json:"words"`
}

func pairs(all instructions.KeyValuePairs) []any {
	list := []any{}
	for _, each := range all {
		list = append(list, []string{each.Key, each.Value})
	}
	return list
}

func arguments(command *instructions.ArgCommand) any {
	list := []any{}
	for _, each := range command.Args {
		list = append(list, []any{each.Key, each.Value})
	}
	return []any{"ARG", list}
}

func commandLine(name string, line instructions.ShellDependantCmdLine) any {
	if line.PrependShell {
		return []any{name, "shell", strings.Join(line.CmdLine, " ")}
	}
	return []any{name, "exec", append([]string{}, line.CmdLine...)}
}

func sources(name, from, chown, chmod string, all instructions.SourcesAndDest) any {
	documents := []any{}
	for _, each := range all.SourceContents {
		documents = append(documents, []any{each.Path, each.Data, each.Expand})
	}
	return []any{name, from, chown, chmod, append([]string{}, all.SourcePaths...), documents, all.DestPath}
}

func instruction(command instructions.Command) any {
	switch c := command.(type) {
	case *instructions.EnvCommand:
		return []any{"ENV", pairs(c.Env)}
	case *instructions.LabelCommand:
		return []any{"LABEL", pairs(c.Labels)}
	case *instructions.ArgCommand:
		return arguments(c)
	case *instructions.CopyCommand:
		if c.Parents || len(c.ExcludePatterns) > 0 {
			return []any{"unsupported"}
		}
		return sources("COPY", c.From, c.Chown, c.Chmod, c.SourcesAndDest)
	case *instructions.AddCommand:
		if len(c.ExcludePatterns) > 0 || c.Checksum != "" || c.KeepGitDir != nil || c.Unpack != nil {
			return []any{"unsupported"}
		}
		return sources("ADD", "", c.Chown, c.Chmod, c.SourcesAndDest)
	case *instructions.CmdCommand:
		return commandLine("CMD", c.ShellDependantCmdLine)
	case *instructions.EntrypointCommand:
		return commandLine("ENTRYPOINT", c.ShellDependantCmdLine)
	case *instructions.ExposeCommand:
		return []any{"EXPOSE", c.Ports}
	case *instructions.HealthCheckCommand:
		h := c.Health
		return []any{"HEALTHCHECK", h.Test, h.Interval, h.Timeout, h.StartPeriod, h.StartInterval, h.Retries}
	case *instructions.ShellCommand:
		return []any{"SHELL", append([]string{}, c.Shell...)}
	case *instructions.UserCommand:
		return []any{"USER", c.User}
	case *instructions.WorkdirCommand:
		return []any{"WORKDIR", c.Path}
	case *instructions.StopSignalCommand:
		return []any{"STOPSIGNAL", c.Signal}
	case *instructions.MaintainerCommand:
		return []any{"MAINTAINER", c.Maintainer}
	case *instructions.VolumeCommand:
		return []any{"VOLUME", append([]string{}, c.Volumes...)}
	}
	return []any{"unsupported"}
}

func parsed(dockerfile string) *string {
	result, err := parser.Parse(strings.NewReader(dockerfile))
	if err != nil {
		return nil
	}
	stages, globals, err := instructions.Parse(result.AST, nil)
	if err != nil || len(stages) == 0 {
		return nil
	}
	first := []any{}
	for at := range globals {
		first = append(first, arguments(&globals[at]))
	}
	list := []any{}
	for _, stage := range stages {
		commands := []any{}
		for _, each := range stage.Commands {
			commands = append(commands, instruction(each))
		}
		list = append(list, []any{stage.BaseName, stage.Name, stage.Platform, commands})
	}
	var text strings.Builder
	if err := encoderOf(&text).Encode([]any{string(result.EscapeToken), first, list}); err != nil {
		panic(err)
	}
	line := strings.TrimSuffix(text.String(), "\n")
	return &line
}

func expanded(each word, environment map[string]string) *string {
	list := []string{}
	for key, value := range environment {
		list = append(list, key+"="+value)
	}
	text, _, err := shell.NewLex([]rune(each.Escape)[0]).ProcessWord(each.Text, shell.EnvsFromSlice(list))
	if err != nil {
		return nil
	}
	return &text
}

func encoderOf(writer io.Writer) *json.Encoder {
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	return encoder
}

func main() {
	var all table
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		panic(err)
	}
	all.Buildkit = "v0.34.2"
	for at := range all.Files {
		all.Files[at].Parsed = parsed(all.Files[at].Text)
	}
	for at := range all.Words {
		all.Words[at].Expanded = expanded(all.Words[at], all.Environment)
	}
	if err := encoderOf(os.Stdout).Encode(all); err != nil {
		panic(err)
	}
}
