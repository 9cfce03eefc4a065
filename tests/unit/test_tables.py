"""Tables: CSV files beside a spec, read row by row, looked up exactly, and kept with the plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from causalspec.files import read_source
from causalspec.semantics.check import check
from causalspec.semantics.core import evaluate
from causalspec.span import Source
from tests.conftest import Call

CITIES = "city,country,population,capital\nParis,France,2.10,true\nBerlin,Germany,3.6,true\nLyon,France,0.52,false\n"
SPEC = """cspec 1
table places = csv("data/cities.csv") { key city: text, country: text
  population: decimal(2)
  capital: bool
}
fn land(c) = places[c].country

task t {
  input city: places.city
  input n: int in 0 .. 4_999
  let people = places[city].population
  let first = places[city].capital
  prompt "{n} {city} is in the country of"
  output answer: places.country | "none"
}

model m for t {
  var country: places.country = land(city)
  output answer = if people > 100.00 then "none" else country
  example city = "Lyon", n = 0 -> "France"
}

lm tiny = embedded("tiny")

align al for m {
  place country on residual(layers = 0, tokens = last)
  method boundless_das
}

experiment main {
  lm tiny
  run al
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "cities.csv").write_text(CITIES, encoding="utf-8")
    (tmp_path / "t.cspec").write_text(SPEC, encoding="utf-8")
    return tmp_path


def told(folder: Path, old: str = "", new: str = "") -> list[str]:
    source = read_source(folder / "t.cspec")
    found = check(Source(source.name, source.text.replace(old, new, 1) if old else source.text))
    return [f"{item.code}: {item.label or item.message}" for item in found[1] if item.code != "W0602"]


def test_a_lookup_gives_the_column_in_the_row_of_the_key(folder: Path) -> None:
    """Words, decimals at the column's scale, bools; through a function too."""
    hypothesis, _ = check(read_source(folder / "t.cspec"))
    assert hypothesis is not None and not told(folder)
    task = hypothesis.tasks["t"]
    people, first = (let.value for let in task.lets)
    rows = [(evaluate(people, {"city": city}), evaluate(first, {"city": city})) for city in ("Paris", "Berlin", "Lyon")]
    assert rows == [(210, True), (360, True), (52, False)]
    assert task.output.type.words == ("France", "Germany", "none")
    assert evaluate(hypothesis.models["m"].variable("country").mechanism, {"city": "Lyon"}) == "France"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("data/cities.csv", "../cities.csv", "E0209: a file is named by a path below the spec's own folder"),
        ("data/cities.csv", "/etc/passwd", "E0209: a file is named by a path below the spec's own folder"),
        ("data/cities.csv", "data/city.csv", "E0209: cannot read data/city.csv: No such file or directory"),
        ("key city: text", "key town: text", "E0201: not defined"),
        ("population: decimal(2)", "population: int in 0 .. 9", "E0312: line 2: `2.10` is not int"),
        ("population: decimal(2)", "population: decimal(2) in 0.00 .. 3.00", "E0312: line 3: `3.6` is not decimal(2)"),
        (
            "key city: text, country: text",
            "city: text, key country: text",
            "E0312: data/cities.csv: lines 2 and 4 have the same",
        ),
        ("key city", "city", "E0206: table `places` has no `key` column"),
        ("places[c].country", "places[c].flag", "E0201: not defined"),
        ("places[city].population", "places[n].population", None),
        ("input city: places.city", 'input city: places.city | "Rome"', 'E0301: none for "Rome"'),
        ("input city: places.city", "input city: place.city", "E0201: did you mean `places`?"),
        ("var country: places.country", "var country: places.population", "E0301: this is decimal(2)"),
    ],
)
def test_a_mistake_in_or_about_a_table_is_told(folder: Path, old: str, new: str, message: str | None) -> None:
    """With the line of the file where it is in the file; what rests on the table is not told again."""
    if message is None:
        message = 'E0301: this is int, the key one of "Paris" | "Berlin" | "Lyon"'
    assert set(told(folder, old, new)) == {message}


def test_a_cell_of_several_lines_counts_as_one_and_lines_are_the_files(folder: Path) -> None:
    """Quoted line ends stay; a mistake after them is told with the line of the file."""
    cities = CITIES.replace("Germany,3.6", '"Ger\nmany",3.6')
    (folder / "data" / "cities.csv").write_text(cities, encoding="utf-8")
    hypothesis, _ = check(read_source(folder / "t.cspec"))
    assert hypothesis is not None and "Ger\nmany" in hypothesis.tasks["t"].output.type.words
    (folder / "data" / "cities.csv").write_text(cities.replace("0.52", "many"), encoding="utf-8")
    assert told(folder) == ["E0312: line 5: `many` is not decimal(2)"]


def test_a_truth_is_a_key_where_both_have_rows(folder: Path) -> None:
    """A table of two rows, and one that lacks false."""
    spec = (
        'cspec 1\ntable t = csv("b.csv") { key k: bool, v: int in 0 .. 9 }\nfn of(x) = t[x].v\n'
        + """
task a {
  input b: bool
  let c = of(b)
  prompt "{b} {c}"
  output answer: "Yes" | "No"
}
"""
    )
    (folder / "t.cspec").write_text(spec, encoding="utf-8")
    (folder / "b.csv").write_text("k,v\ntrue,1\nfalse,2\n", encoding="utf-8")
    assert not told(folder)
    (folder / "b.csv").write_text("k,v\ntrue,1\n", encoding="utf-8")
    assert told(folder) == ["E0301: its key lacks true or false"]


def test_a_link_out_of_the_folder_is_not_followed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A spec from a stranger reads nothing outside its folder."""
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text(CITIES, encoding="utf-8")
    (folder / "data" / "link.csv").symlink_to(outside)
    assert told(folder, "data/cities.csv", "data/link.csv") == [
        "E0209: a file is named by a path below the spec's own folder"
    ]


def test_a_plan_repeats_without_the_table(folder: Path, call: Call) -> None:
    """The plan holds the file's text; its digest changes with the file."""
    args = ("compile", str(folder / "t.cspec"), "--train", "100", "--validation", "60", "--test", "60")
    assert call(*args, "--out", str(folder / "one")).returncode == 0
    plan = json.loads((folder / "one" / "plan.json").read_text(encoding="utf-8"))
    assert plan["spec"]["files"] == {"data/cities.csv": CITIES}
    (folder / "data" / "cities.csv").write_text(CITIES.replace("3.6", "3.7"), encoding="utf-8")
    again = call("compile", str(folder / "one" / "plan.json"), "--out", str(folder / "two"))
    assert again.returncode == 0, again.stderr
    assert (folder / "two" / "plan.json").read_bytes() == (folder / "one" / "plan.json").read_bytes()
    assert call(*args, "--out", str(folder / "three")).returncode == 0
    other = json.loads((folder / "three" / "plan.json").read_text(encoding="utf-8"))
    assert other["spec"]["sha256"] != plan["spec"]["sha256"]
