"""Source code is cut along its definitions, and every segment names its scopes and its lines."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from time import process_time

import pytest

from wiki_pipeline.text.chunk.code import LANGUAGES, MAX_BYTES, grammar, syntax_tree
from wiki_pipeline_tests.text.chunk.segments import cited, code

PYTHON = '''\
"""A module with a docstring."""

import os


@cache
def first(a):
    """One."""
    return a


class Big:
    """Big one."""

    limit = 1

    # About load.
    def load(self, x):
        value = x
        return value

    @property
    def size(self):
        return 1


def last():
    return 2
'''
TYPESCRIPT = """\
import { x } from "./x";

export interface Options {
  retries: number;
}

/** Client of things. */
export class Client {
  constructor(private readonly url: string) {}

  async fetchAll(limit: number): Promise<string[]> {
    return [];
  }
}

export const handler = async (event: string) => {
  return event;
};

namespace Inner {
  export function deep() { return 1; }
}
"""
GO = """\
package main

import "fmt"

// Server serves.
type Server struct {
	Port int
}

// Start starts it.
func (s *Server) Start() error {
	fmt.Println(s.Port)
	return nil
}

func main() {
	fmt.Println("main")
}
"""
RUST = """\
use std::fmt;

#[derive(Debug)]
pub struct Point {
    x: i32,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}", self.x)
    }
}

impl Point {
    pub fn new(x: i32) -> Self {
        Point { x }
    }

    pub fn moved(&self, by: i32) -> Self {
        Point { x: self.x + by }
    }
}

mod tests {
    fn check() { assert!(true); }
}
"""
JAVA = """\
package org.example;

import java.util.List;

/** Orders. */
public class OrderService {
    private final int limit = 3;

    public OrderService() {
        System.out.println("made");
    }

    @Override
    public String toString() {
        return "orders of the service";
    }

    static class Line {
        int amount() {
            return 1;
        }
    }
}
"""
SQL = """\
CREATE TABLE users (
  id INT PRIMARY KEY,
  name TEXT
);

CREATE VIEW active AS SELECT * FROM users WHERE id > 0;

CREATE FUNCTION total() RETURNS INT AS $$ SELECT 1 $$ LANGUAGE sql;

INSERT INTO users VALUES (1, 'a');
"""
SHELL = """\
#!/bin/bash
set -e

# Deploys.
deploy() {
  echo deploying the whole thing
}

clean_up() {
  rm -rf build && echo done with it
}

deploy
"""

PROTOBUF = """\
syntax = "proto3";
package tide.v1;

// A level of the sea.
message Level {
  // In which unit.
  message Unit {
    string name = 1;
  }
  double metres = 1;
  enum Datum { CHART = 0; }
  oneof how { int32 a = 3; }
}

extend google.protobuf.FieldOptions { int32 digits = 50001; }

service Levels {
  // Gets one.
  rpc Get(StationAndTime) returns (Level);
  rpc Put(stream Level) returns (Id) { option (http) = "y"; }
}
"""
GRAPHQL = """\
# What stations measure.
type Level implements Node @key(fields: "id") {
  "In metres."
  value(datum: Datum = CHART): Float!
  at: Time
}

extend type Query { level(station: ID!): Level }

\"\"\"A time.\"\"\"
scalar Time @specifiedBy(url: "https://example.org")

query Latest($id: ID!) { level(station: $id) { ...Shown } }

fragment Shown on Level { value at }
"""
LUA = """\
local M = {}

-- Opens it.
function M.open(path)
  return path
end

local function closed()
  return true
end
"""
OBJECTIVE_C = """\
#import "Gauge.h"

@implementation Gauge

- (int)levelAt:(int)minute {
  return minute;
}

@end

int main() {
  return 0;
}
"""

# Language, file, size, and of each segment the scopes and how its text begins.
FILES = [
    (
        "python",
        PYTHON,
        80,
        [
            ("first", "@cache"),
            ("Big", "class Big"),
            ("Big > load", "    # About load."),
            ("Big > size", "    @property"),
            ("last", "def last"),
        ],
    ),
    (
        "typescript",
        TYPESCRIPT,
        80,
        [
            ("Client", "/** Client of things. */"),
            ("Client > fetchAll", "  async fetchAll"),
            ("handler", "export const handler"),
            ("Inner", "namespace Inner"),
        ],
    ),
    ("go", GO, 80, [("Server.Start", "// Start starts it."), ("main", "func main")]),
    (
        "rust",
        RUST,
        90,
        [
            ("fmt::Display for Point", "impl fmt::Display for Point"),
            ("Point", "impl Point"),
            ("Point > moved", "    pub fn moved"),
            ("tests", "mod tests"),
        ],
    ),
    (
        "java",
        JAVA,
        90,
        [
            ("OrderService", "/** Orders. */"),
            ("OrderService > OrderService", "    public OrderService()"),
            ("OrderService > toString", "    @Override"),
            ("OrderService > Line", "    static class Line"),
        ],
    ),
    ("sql", SQL, 60, [("users", "CREATE TABLE"), ("active", "CREATE VIEW"), ("total", "CREATE FUNCTION")]),
    ("bash", SHELL, 60, [("deploy", "# Deploys.")]),
    (
        "protobuf",
        PROTOBUF,
        60,
        [
            ("", "syntax"),
            ("Level", "// A level of the sea."),
            ("Level > Unit", "  // In which unit."),
            ("Level > Datum", "  enum Datum"),
            ("google.protobuf.FieldOptions", "extend google"),
            ("Levels", "service Levels"),
            ("Levels > Get", "  // Gets one."),
            ("Levels > Put", "  rpc Put"),
        ],
    ),
    (
        "graphql",
        GRAPHQL,
        60,
        [
            ("Level", "# What stations measure."),
            ("Level > value", '  "In metres."'),
            ("Query", "extend type Query"),
            ("Time", '"""A time."""'),
            ("Latest", "query Latest"),
            ("Shown", "fragment Shown"),
        ],
    ),
    ("lua", LUA, 60, [("M.open", "-- Opens it."), ("closed", "local function")]),
    ("objective-c", OBJECTIVE_C, 60, [("Gauge", "@implementation"), ("main", "int main")]),
]
NAMES = [file[0] for file in FILES]


@pytest.mark.parametrize(("language", "text", "characters", "expected"), FILES, ids=NAMES)
def test_definitions_are_passages_with_their_scopes_and_what_describes_them(
    language: str, text: str, characters: int, expected: list[tuple[str, str]]
) -> None:
    found = {
        " > ".join(chunk.heading_path): chunk.text for chunk in reversed(code(text, language, characters=characters))
    }
    for scopes, beginning in expected:
        assert found[scopes].startswith(beginning)


@pytest.mark.parametrize(("language", "text", "characters", "_"), FILES, ids=NAMES)
def test_the_lines_that_a_passage_names_are_its_text(language: str, text: str, characters: int, _: object) -> None:
    chunks = code(text, language, characters=characters)
    assert len(chunks) > 2
    for chunk in chunks:
        assert chunk.text == cited(text, chunk)


@pytest.mark.parametrize(("language", "text", "characters", "_"), FILES, ids=NAMES)
def test_every_line_is_in_exactly_one_passage(language: str, text: str, characters: int, _: object) -> None:
    chunks = code(text, language, characters=characters)
    lines = [line for chunk in chunks for line in chunk.text.split("\n")]
    assert [line for line in lines if line.strip()] == [line for line in text.split("\n") if line.strip()]


def test_a_small_file_is_one_passage_of_no_symbol() -> None:
    (chunk,) = code(PYTHON, "python")
    assert chunk.heading_path == ()
    assert chunk.text == PYTHON.rstrip()


def test_a_file_of_a_single_definition_has_its_name() -> None:
    assert code("def only():\n    return 1\n", "python")[0].heading_path == ("only",)


def test_a_hash_in_code_is_no_heading() -> None:
    assert code("# A comment\n\nvalue = 1\n", "python")[0].heading_path == ()


# --- without grammar -------------------------------------------------------------------------------------------------


def test_a_language_without_grammar_is_cut_at_empty_lines_and_its_definitions_are_read() -> None:
    text = "set x 1\n\nproc first {} {\n  return 1\n}\n\nproc second {} {\n  return 2\n}\n"
    assert "tcl" not in LANGUAGES
    chunks = code(text, "tcl", characters=35)
    assert [chunk.heading_path for chunk in chunks] == [(), ("first",), ("second",)]
    assert [(chunk.start_line, chunk.end_line) for chunk in chunks] == [(1, 1), (3, 5), (7, 9)]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        (
            "thrift",
            "const i32 X = 1\n\nstruct Level {\n  1: double metres\n}\n\nservice Levels {\n  Level get(1: i32 id)\n}\n",
            [(), ("Level",), ("Levels",)],
        ),
        (
            "smithy",
            "structure Level {\n  metres: Double\n}\n\nservice Levels {\n  operations: [GetLevel]\n}\n",
            [(), ("Levels",)],
        ),
    ],
)
def test_schemas_that_have_no_grammar_are_cut_at_their_definitions(
    language: str, text: str, expected: list[tuple[str, ...]]
) -> None:
    assert language not in LANGUAGES
    assert [chunk.heading_path for chunk in code(text, language, characters=50)] == expected


def test_lines_without_an_empty_one_between_are_cut_between_lines() -> None:
    lines = [f"set option_{number:04} to {number}" for number in range(300)]
    chunks = code("\n".join(lines), "unheard-of", characters=400)
    assert [line for chunk in chunks for line in chunk.text.split("\n")] == lines
    assert max(len(chunk.text) for chunk in chunks) <= 600


@pytest.mark.parametrize("language", ["graphql", "protobuf"])
def test_a_grammar_of_the_pack_is_there_without_a_network(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object, **_kwargs: object) -> None:
        raise AssertionError("Something is to be downloaded.")

    for name in [name for name in sys.modules if name.startswith("tree_sitter_language_pack")]:
        monkeypatch.delitem(sys.modules, name)
    grammar.cache_clear()
    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(subprocess, "Popen", refused)
    assert syntax_tree(b"x", language) is not None


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_every_grammar_loads_and_reads_what_is_broken(language: str) -> None:
    assert syntax_tree(b"x", language) is not None
    text = '}} ) class ( {{ def <<< "\n\n' + "fn broken( {\n" * 50 + "\x00 \ud800 end"
    chunks = code(text, language, characters=200)
    assert {line for chunk in chunks for line in chunk.text.split("\n") if line.strip()} == {
        line for line in text.split("\n") if line.strip()
    }


def test_a_definition_behind_broken_code_is_still_found() -> None:
    text = "def first():\n    return 1\n\n\nclass Broken(:\n    x = = 1\n\n\ndef last():\n    return 2\n"
    assert ("last",) in {chunk.heading_path for chunk in code(text, "python", characters=30)}


# --- generated files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["javascript", "json"])
def test_a_generated_file_of_one_line_has_passages_of_bounded_size(language: str) -> None:
    text = "var data = " + json.dumps([{"id": number, "name": f"row {number}"} for number in range(30_000)])
    assert len(text) > MAX_BYTES
    began = process_time()
    chunks = code(text, language)
    assert process_time() - began < 20  # some 0.2 s; what is not linear would take minutes
    assert max(len(chunk.text) for chunk in chunks) <= 1400 * 3 // 2
    assert sum(len("".join(chunk.text.split())) for chunk in chunks) == len("".join(text.split()))
    assert {(chunk.start_line, chunk.end_line) for chunk in chunks} == {(1, 1)}


def test_code_nested_deeper_than_any_stack_is_cut() -> None:
    chunks = code("[" * 20_000 + "]" * 20_000, "python")
    assert sum(len(chunk.text) for chunk in chunks) == 40_000
