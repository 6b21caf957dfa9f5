// Fills in what moby's patternmatcher says of the cases in a table: for each, which of the paths its .dockerignore leaves out, walked as BuildKit walks a
// context (fsutil, FilterFS): every path is judged with the results of its parent. In a folder outside of the workspace:
//
//	go mod init oracle && go get github.com/moby/patternmatcher@v0.6.1 && go run . < expected.json > new.json
package main

import (
	"encoding/json"
	"math/big"
	"os"
	"path"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

type verdict struct {
	File    string `json:"file"`
	Ignored string `json:"ignored"`
}

type table struct {
	Patternmatcher string    `json:"patternmatcher"`
	Paths          []string  `json:"paths"`
	Cases          []verdict `json:"cases"`
}

// judge gives a number in hexadecimal, of which bit n is set if path n is left out, or "error".
func judge(text string, paths []string) string {
	patterns, err := ignorefile.ReadAll(strings.NewReader(text))
	if err != nil {
		return "error"
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return "error"
	}
	// A pattern that is no regular expression is found out when it is used; here each is used.
	for _, pattern := range matcher.Patterns() {
		single, err := patternmatcher.New([]string{strings.TrimPrefix(pattern.String(), "!")})
		if pattern.String() == "" || strings.HasPrefix(pattern.String(), "!") {
			continue
		}
		if err != nil {
			return "error"
		}
		if _, err := single.MatchesOrParentMatches("x"); err != nil {
			return "error"
		}
	}
	infos := map[string]patternmatcher.MatchInfo{}
	bits := new(big.Int)
	for at, each := range paths {
		matched, info, err := matcher.MatchesUsingParentResults(each, infos[path.Dir(each)])
		if err != nil {
			return "error"
		}
		infos[each] = info
		if matched {
			bits.SetBit(bits, at, 1)
		}
	}
	return bits.Text(16)
}

func main() {
	var all table
	if err := json.NewDecoder(os.Stdin).Decode(&all); err != nil {
		panic(err)
	}
	all.Patternmatcher = "v0.6.1"
	for at := range all.Cases {
		all.Cases[at].Ignored = judge(all.Cases[at].File, all.Paths)
	}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(all); err != nil {
		panic(err)
	}
}
