"""What is found in single files: each language's symbols, imports and findings; and nothing ever raises."""

# ruff: noqa: E501 - an example file is one string, as it is easiest to read beside what is found in it

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wiki_pipeline.repository_wiki.facts import FileFacts, dumped, loaded
from wiki_pipeline.repository_wiki.survey import MAX_CHARACTERS, first_paragraph, survey
from wiki_pipeline.repository_wiki.syntax import languages
from wiki_pipeline.sources.git.names import media_type_of
from wiki_pipeline_tests.repository_wiki.small import FILES

# For each language: a file, its public symbols by name and line, those that are not public, its imports.
EXAMPLES: dict[str, tuple[str, str, dict[str, int], set[str], list[str]]] = {
    "python": (
        "a.py",
        "import os\nfrom .b import c\n\n\n@deco\ndef f(a: int = 1) -> str:\n    '''Doc.'''\n\n\nclass A(B):\n    x: int\n\n    def _m(self): ...\n",
        {"f": 6, "A": 10, "A.x": 11},
        {"A._m"},
        ["os", ".b"],
    ),
    "javascript": (
        "a.js",
        "import x from './z';\nconst q = require('./q');\n\n// Doc.\nexport function f(a) {}\n\nexport class A extends B {\n  m(x) {}\n  #p() {}\n}\nfunction hidden() {}\n",
        {"f": 5, "A": 7, "A.m": 8},
        {"hidden"},
        ["./z", "./q"],
    ),
    "typescript": (
        "a.ts",
        "export * from './q';\n\n/** Doc. */\nexport function f(a: number): string { return ''; }\nexport interface I { m(): void }\nexport type T = string;\nexport enum E { A }\nexport abstract class C<T> {\n  private x(): void {}\n  y(a: number): T { }\n}\nfunction hidden() {}\n",
        {"f": 4, "I": 5, "I.m": 5, "T": 6, "E": 7, "C": 8, "C.y": 10},
        {"C.x", "hidden"},
        ["./q"],
    ),
    "go": (
        "a.go",
        'package p\n\nimport (\n\t"fmt"\n)\n\n// Doc.\nfunc F(a int) error { return nil }\n\nfunc (s *S) M() {}\n\ntype S struct{ A int }\n\ntype I interface{ X() }\n\nfunc hidden() {}\n',
        {"F": 8, "S.M": 10, "S": 12, "I": 14},
        {"hidden"},
        ["fmt"],
    ),
    "rust": (
        "a.rs",
        "use crate::b::C;\n\n/// Doc.\n#[inline]\npub fn f(a: u8) -> u8 { 1 }\npub struct S { a: u8 }\nimpl S {\n    pub fn m(&self) {}\n    fn p() {}\n}\nimpl T for S { fn x() {} }\npub trait T { fn x(); }\n",
        {"f": 5, "S": 6, "S.m": 8, "T": 12, "T.x": 12},
        {"S.p", "x"},
        ["crate::b::C"],
    ),
    "java": (
        "A.java",
        "package a.b;\n\nimport x.y.Z;\n\n/** Doc. */\npublic class A extends B {\n  public A() {}\n  @Override\n  public int m(int a) { return 1; }\n  private void p() {}\n}\n",
        {"A": 6, "A.A": 7, "A.m": 9},
        {"A.p"},
        ["x.y.Z"],
    ),
    "kotlin": (
        "a.kt",
        "package a.b\n\nimport x.y.Z\n\n/** Doc. */\nclass C(val a: Int) : D() {\n  fun m(): Int = 1\n  private fun p() {}\n}\n\nfun top(a: Int) {}\n",
        {"C": 6, "C.m": 7, "top": 11},
        {"C.p"},
        ["x.y.Z"],
    ),
    "c": (
        "a.c",
        '#include "a.h"\n\n/* Doc. */\nint f(int a) { return 1; }\nstatic int g(void) { return 0; }\nstruct S { int a; };\nchar *h(void) { return 0; }\n',
        {"f": 4, "S": 6, "h": 7},
        {"g"},
        ["a.h"],
    ),
    "cpp": (
        "a.cpp",
        "#include <a/b.hpp>\n\nnamespace n {\n// Doc.\nclass C : public B {\n  int hidden() { return 1; }\n public:\n  void m();\n};\ntemplate <class T> T t(T a) { return a; }\n}\nvoid n::C::m() {}\n",
        {"C": 5, "C.m": 8, "t": 10, "n.C.m": 12},
        {"C.hidden"},
        ["a/b.hpp"],
    ),
    "csharp": (
        "A.cs",
        "using A.B;\n\nnamespace X.Y {\n  /// <summary>Doc.</summary>\n  public class C : D {\n    public int M(int a) { return 1; }\n    private void P() {}\n  }\n  public interface I { void Z(); }\n}\n",
        {"C": 5, "C.M": 6, "I": 9, "I.Z": 9},
        {"C.P"},
        ["A.B"],
    ),
    "ruby": (
        "a.rb",
        "require 'a/b'\n\n# Doc.\nmodule M\n  class C < D\n    def m(a); end\n    def self.s; end\n\n    private\n\n    def p; end\n  end\nend\n",
        {"M": 4, "M.C": 5, "M.C.m": 6, "M.C.s": 7},
        {"M.C.p"},
        ["a/b"],
    ),
    "php": (
        "a.php",
        "<?php\nnamespace A\\B;\n\nuse C\\D;\n\n/** Doc. */\nclass X extends Y {\n  public function m(int $a): int { return 1; }\n  private function p() {}\n}\n\nfunction f() {}\n",
        {"X": 7, "X.m": 8, "f": 12},
        {"X.p"},
        ["C\\D"],
    ),
}


def read(path: str, text: str) -> FileFacts:
    return survey(path, text, media_type_of(path, text))


def test_each_language_with_queries_has_an_example() -> None:
    assert languages() - {"tsx", "cuda"} == EXAMPLES.keys()


@pytest.mark.parametrize("language", EXAMPLES)
def test_symbols_and_imports(language: str) -> None:
    path, text, public, hidden, imports = EXAMPLES[language]
    facts = read(path, text)
    assert facts.language == language
    found = {symbol.name: symbol for symbol in facts.symbols}
    assert {name: found[name].line for name in found if found[name].public and found[name].kind != "constructor"} == {
        name: line for name, line in public.items() if found[name].kind != "constructor"
    }
    assert hidden <= {symbol.name for symbol in facts.symbols if not symbol.public}
    assert [each.target for each in facts.imports] == imports
    assert any(symbol.doc == "Doc." for symbol in facts.symbols)
    lines = text.split("\n")
    assert all(symbol.short in lines[symbol.line - 1] for symbol in facts.symbols)
    assert all(symbol.line <= symbol.end_line <= len(lines) for symbol in facts.symbols)
    assert loaded(dumped(facts)) == facts


def test_a_signature_has_no_body() -> None:
    by_name = {symbol.name: symbol.signature for symbol in read(*EXAMPLES["typescript"][:2]).symbols}
    assert by_name["f"] == "function f(a: number): string"
    assert by_name["C"] == "abstract class C<T>"
    assert {s.name: s.signature for s in read(*EXAMPLES["java"][:2]).symbols}["A.m"] == "public int m(int a)"
    assert {s.name: s.signature for s in read(*EXAMPLES["python"][:2]).symbols}["f"] == "def f(a: int = 1) -> str"


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.js", "router.get('/ships/:id', show)\n", ("route", "GET /ships/:id", "Express", 1)),
        ("a.js", "x = process.env.PORT || 80\n", ("setting", "PORT", "environment", 1)),
        ("a.go", 'package m\n\nvar x = http.HandleFunc("/tide", tide)\n', ("route", "ANY /tide", "net/http", 3)),
        ("a.go", 'package m\nvar x = os.Getenv("TIDE")\n', ("setting", "TIDE", "environment", 2)),
        ("A.java", '@RequestMapping("/api")\nclass A {\n @GetMapping("/x")\n}', ("route", "GET /api/x", "Spring", 3)),
        ("a.py", "urlpatterns = [path('ships/', views.ships)]\n", ("route", "ANY /ships/", "Django", 1)),
        ("a.py", "@app.route('/x', methods=['POST'])\ndef f(): ...\n", ("route", "POST /x", "Flask", 1)),
        ("a.py", "import argparse\np.add_argument('--loud', help='x')\n", ("option", "--loud", "argparse", 2)),
        ("a.py", "@dg.asset\ndef ships(): ...\n", ("pipeline", "ships", "Dagster asset", 2)),
        ("a.py", "class S(BaseModel):\n    name: str\n", ("schema", "S", "BaseModel", 1)),
        ("a.rs", 'fn x() { std::env::var("BERTH"); }\n', ("setting", "BERTH", "environment", 1)),
        ("a.rb", "get '/ships' do\nend\n", ("route", "GET /ships", "Ruby", 1)),
        ("a.proto", 'syntax = "proto3";\nmessage Ship {}\n', ("schema", "Ship", "Protobuf", 2)),
        ("a.graphql", "type Ship { name: String }\n", ("schema", "Ship", "GraphQL", 1)),
        ("m.tf", 'resource "aws_s3_bucket" "logs" {}\n', ("object", "aws_s3_bucket", "Terraform", 1)),
        ("package.json", '{\n "scripts": {\n  "test": "jest"\n }\n}', ("task", "npm test", "test", 3)),
        ("Cargo.toml", '[package]\nname = "x"\n[dependencies]\nserde = "1"\n', ("dependency", "serde", "cargo", 4)),
        ("compose.yaml", "services:\n  db:\n    image: postgres:16\n", ("object", "db", "Compose service", 2)),
        ("api.yaml", "openapi: 3.0.0\npaths:\n  /x:\n    get:\n      summary: s\n", ("route", "GET /x", "OpenAPI", 3)),
        ("Dockerfile", "FROM python:3.11\nENV PORT=80\n", ("setting", "PORT", "image", 2)),
        (".gitlab-ci.yml", "check:\n  stage: test\n  script: [make test]\n", ("pipeline", "check", "GitLab CI", 1)),
    ],
)
def test_findings(path: str, text: str, expected: tuple[str, str, str, int]) -> None:
    found = {(each.kind, each.name, each.group, each.line) for each in read(path, text).findings}
    assert expected in found


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("mkdocs.yml", FILES["mkdocs.yml"], [("docs/index.md", "Home"), ("docs/zebra.md", "Zebras first"), ("docs/anchor.md", "")]),
        ("docs/SUMMARY.md", "# S\n\n- [One](one.md)\n  - [Two](two.md)\n", [("docs/one.md", "One"), ("docs/two.md", "Two")]),
        ("docs/index.rst", "T\n=\n\n.. toctree::\n   :maxdepth: 1\n\n   b\n   The A <a>\n\nEnd\n", [("docs/b.rst", ""), ("docs/a.rst", "The A")]),
        ("docs/x/_category_.json", '{"label": "Ships", "position": 2}', [("docs/x/", "Ships")]),
        ("modules/ROOT/nav.adoc", "* xref:a.adoc[A]\n", [("modules/ROOT/pages/a.adoc", "A")]),
    ],
)  # fmt: skip
def test_the_order_that_documentation_gives_itself(path: str, text: str, expected: list[tuple[str, str]]) -> None:
    assert [(each.path, each.title) for each in read(path, text).order] == expected


def test_tags_of_mkdocs_make_nothing() -> None:
    text = "nav: [index.md]\nextra: !!python/object/apply:os.system ['false']\nx: !ENV [A, b]\n"
    assert [each.path for each in read("mkdocs.yml", text).order] == ["docs/index.md"]


def test_a_purpose_is_the_first_paragraph_without_badges() -> None:
    assert read("README.md", FILES["README.md"]).purpose == "Harbour tracks ships as they **come** and go."
    assert first_paragraph("See :class:`Ship`\nand [docs](x).\n\nMore.") == "See `Ship` and docs."


def test_python_2_is_read_by_its_syntax_tree() -> None:
    facts = read("a.py", "def f(a):\n    print 'x'\n")
    assert [symbol.name for symbol in facts.symbols] == ["f"]
    assert "refuses" in facts.notes[0]


def test_a_large_file_is_not_looked_into() -> None:
    facts = read("a.py", "x = 1\n" * (MAX_CHARACTERS // 6 + 1))
    assert not facts.symbols
    assert "not looked into" in facts.notes[0]


_PATHS = sorted(
    {path for path, *_ in EXAMPLES.values()} | FILES.keys() | {"x.yaml", "x.tf", "a.proto", "docs/SUMMARY.md"}
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(_PATHS), st.binary(max_size=300) | st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace"))
)
@example("mkdocs.yml", b"nav: &a [*a]")
@example("a.py", b"(" * 5000)
@example("x.yaml", b"a: " + b"[" * 5000)
@example("package.json", b"[" * 100_000)
@example("a.rb", b"\x00\xff\xfe")
def test_no_bytes_make_it_raise(path: str, content: bytes) -> None:
    facts = read(path, content.decode("utf-8", "replace"))
    assert loaded(dumped(facts)) == facts


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(EXAMPLES)), st.integers(0, 400), st.text(max_size=5))
def test_no_damaged_file_makes_it_raise_or_point_elsewhere(language: str, at: int, put: str) -> None:
    path, text, *_ = EXAMPLES[language]
    broken = text[:at] + put + text[at + len(put) :]
    facts = read(path, broken)
    lines = broken.replace("\r\n", "\n").split("\n")
    assert all(1 <= symbol.line <= len(lines) for symbol in facts.symbols)
