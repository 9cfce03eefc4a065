"""The diagnostics' codes: stable, never reused.

`check` and `run` do not load this; `explain`, SARIF and `# allow:` do.
"""

from __future__ import annotations

from causalspec.record import record


@record
class Code:
    """What a code means; its page, with examples, is `pages/CODE.md`, see `explain`."""

    code: str
    title: str
    explanation: str


FAMILIES = {
    "E01": "syntax", "E02": "names", "E03": "types and domains", "E04": "graph", "E05": "alignment", "E06": "data",
    "E07": "claims", "R": "run time", "W": "pedantic",
}  # fmt: skip


def family(code: str) -> str:
    """The family of a code, in words."""
    return FAMILIES.get(code[:3]) or FAMILIES[code[:1]]


_ALL = (
    Code("E0101", "a syntax error", "The statement cannot go on like this. The label says what may stand here instead."),
    Code("E0102", "a misspelt keyword", "No keyword that may stand here is spelt like this. The nearest one is suggested."),
    Code("E0103", "an unmatched bracket", "Each ( [ { needs its ) ] }, in the right order."),
    Code("E0104", "a text that is not closed", "A text stands between double quotes and ends on its line; a text over several "
         "lines stands in triple quotes."),
    Code("E0105", "a character that cannot be seen", "Only blanks, tabs and line ends may stand beside visible text: a character "
         "that is not shown, or that reorders text, would let a file read otherwise than it means."),
    Code("E0106", "nested too deep", "Brackets and expressions may be nested 64 deep: name a part with `let` or `var`."),
    Code("E0107", "an unknown escape", "The escapes are \\n, \\t, \\\", \\', \\\\ and \\u{1F600}."),
    Code("E0108", "a malformed hole in a prompt", "A hole is {name}, {expression as name} or {'text' as name}; a brace is {{ or }}."),
    Code("E0109", "a malformed number", "A number is digits with at most one point, such as 4_000 or 2.50, and has at most 30 digits."),
    Code("E0110", "a spec that is too long", "A spec is at most 1 MiB of text."),
    Code("E0111", "something is missing", "The statement lacks a piece: a word such as `for`, a mark such as `=`, or a value. The "
         "label says what may stand here."),
    Code("E0112", "a character without a meaning", "The language does not use this character outside of texts and comments."),
    Code("E0113", "an edition in the wrong place", "`cspec 1` is the first line of a file, and stands there once."),
    Code("E0201", "an unknown name", "The name is not defined where it is used. The nearest known name is suggested."),
    Code("E0202", "something defined or given twice", "Each name is defined once in its task or model, each setting given once."),
    Code("E0203", "a name of the wrong kind", "The name is declared, but as something else."),
    Code("E0204", "a declaration that lacks a part", "A task needs inputs, a prompt and an output; an alignment a place and a method; "
         "an experiment `lm` and `run`."),
    Code("E0205", "a wrong argument", "The call has no such argument, lacks one, or its value is not of the right form."),
    Code("E0206", "this cannot stand in this declaration", "A variant replaces inputs' domains, all of `require`, the prompt, "
         "or the output's words, one for one; a `let` belongs in the task."),
    Code("E0207", "an unknown edition", "The first line says which edition of the language the file is written in: `cspec 1`."),
    Code("E0208", "a form that is not supported yet", "The language has this form, but this version does not read it. The help says what "
         "it reads instead."),
    Code("E0209", "a file that cannot be read", "A spec reads files below its own folder only: UTF-8 text of at most 4 MiB; a CSV "
         "table has a header line."),
    Code("E0301", "a wrong type", "The value is of another type than its place asks for."),
    Code("E0302", "a value with too many decimal places", "A value can need more decimal places than its type has; the label shows "
         "an assignment. Declare a finer type or round the value."),
    Code("E0303", "a divisor that can be 0", "A divisor's range must not include 0."),
    Code("E0304", "a ratio used as a value", "A quotient without a finite decimal may be compared, rounded or floored."),
    Code("E0305", "an empty or missing domain", "An input is drawn from its domain, which must not be empty; an output needs at "
         "least two words."),
    Code("E0306", "a malformed type", "Types are bool, int in a .. b, decimal(k) in a .. b, \"Yes\" | \"No\", and tuples of these."),
    Code("E0307", "a word outside the output's domain", "The mechanism can say a word that is not among the output's."),
    Code("E0308", "a mechanism that leaves its domain", "The label shows an assignment for which the value is outside the declared "
         "range."),
    Code("E0309", "an example that fails or does not fit", "An `example` gives every input a value of its domain and the output that "
         "the model must compute."),
    Code("E0310", "a `match` that leaves something out", "The arms of a `match` meet every value of its subject, each once: end it with "
         "`_ -> …` for the rest."),
    Code("E0311", "an operation without a value", "For some inputs a place is outside its list, or a value is not in it; the label "
         "shows them."),
    Code("E0312", "a row that does not fit its table", "Every cell of a declared column has a value of the column's type, and the key's "
         "values are all different; the label gives the line of the file."),
    Code("E0401", "a cycle", "A causal graph is acyclic: no variable may depend on itself."),
    Code("E0402", "a model without a mechanism for the output", "A model ends in the task's output."),
    Code("E0501", "an ancestor at the same site", "Variables that share a site are swapped independently, so none may be an ancestor "
         "of another."),
    Code("E0502", "no token", "Tokens are named through the prompt: `last`, `price.first`, `price.last`, `price[1]`."),
    Code("E0506", "no such layer", "Layers are 0-based blocks: `all`, a number, a range, or a list of these."),
    Code("E0507", "too many variables at one site", "At most four variables share a site."),
    Code("E0601", "a condition that no input meets", "No assignment of the inputs fulfils every `require`."),
    Code("E0602", "too few tuples", "Under 30 tuples decide nothing."),
    Code("E0704", "a score that is not measured", "Controls run on the task itself; on a variant the best cell is tested; a width is that of the "
         "trained cells."),
    Code("E0603", "an input without a value", "For some values of earlier inputs the input's range is empty; the label shows them."),
    Code("E0604", "a condition that is met too rarely", "The condition is met by so few draws, over so many points, that inputs cannot "
         "be drawn exactly. Narrow the inputs' domains to what the condition allows."),
    Code("E0605", "too few tuples can be had", "Every validation and test tuple has prompts of its own. The label says how many there "
         "are: ask for fewer, or widen the domains."),
    Code("E0606", "a value that does not fit", "A mechanism gave a value that its variable cannot hold; the label shows the assignment."),
    Code("E0701", "a score that names no single site", "`iia(x)` of a grid is many numbers: take `best(…)` or `mean(…)`, and name one "
         "placement."),
    Code("E0702", "not a claim", "A claim compares scores with numbers or with each other by < <= > >=, joined by and, or, not."),
    Code("E0703", "a claim that no experiment computes", "An experiment must run the alignment, the control and the variant that a "
         "claim asks for."),
    Code("R0201", "a span that is no token of its own", "As this LM's tokenizer cuts the prompt, the span or the answer has no token of "
         "its own. Put white space or another sign between the hole and its neighbour, or choose other words."),
    Code("R0202", "a prompt that is too long for the LM", "The LM has positions for fewer tokens than the prompt has."),
    Code("R0401", "an LM that cannot do the task", "An LM that is hardly better than always saying the most frequent answer does not "
         "compute what the models describe. `--allow-low-accuracy` runs all the same."),
    Code("W0101", "no edition", "A file begins with `cspec 1`, so that it keeps its meaning when the language grows."),
    Code("W0102", "an `allow` that silences nothing", "The warning that the comment allows is not given there: it was mended, or the "
         "comment stands elsewhere. Delete the comment."),
    Code("W0103", "an `allow` that does not work", "`# allow: W0602 reason` silences one warning on its line, or on the line after it where "
         "it stands alone. It names warnings only, and says why."),
    Code("W0201", "a variant that replaces nothing", "A variant says what differs from its task; an empty one is the task again."),
    Code("W0301", "a domain that is not proved", "The bounds do not prove that the value stays in its domain, and no drawn assignment "
         "leaves it. A run stops at the first that does."),
    Code("W0302", "words that change their places", "A variant's output words stand for the task's by position: the first for the "
         "first. A word of the task at another place stands for another answer there."),
    Code("W0401", "models that differ without an intervention", "Rival models may disagree on the task itself, but it changes what "
         "accuracy means."),
    Code("W0602", "an input that the prompt does not show", "The LM cannot know a value that stands nowhere in its prompt."),
    Code("W0702", "a comparison that is decided beforehand", "IIA lies between 0 and 1 and a gain is at most 1, so that nothing "
         "measured can change what the comparison says."),
    Code("W0701", "raw IIA of two alignments compared", "Chance differs between alignments; `gain` takes it out."),
    Code("W0801", "a variable that changes nothing", "Swapping the variable leaves the output as it is, on every pair of base and "
         "source that was looked at; the label says whether these are all. (`check --data`)"),
    Code("W0802", "one variable under two names", "On every input that was looked at, a renaming of values turns one variable into the "
         "other: no LM could have one without the other. (`check --data`)"),
    Code("W0803", "an aligned variable that the output does not depend on", "Only an ancestor of the output can be found by "
         "interchange. (`check --data`)"),
    Code("W0804", "rivals that nothing separates", "Two models say the same of every base and source that was looked at when these "
         "variables are swapped; `causalspec compare` shows all their interchanges. (`check --data`)"),
    Code("W0805", "a claim without a control", "The claim says that a score is high, and neither a claim nor an experiment measures what "
         "random weights or random rotations score. (`check --data`)"),
)  # fmt: skip

CODES = {code.code: code for code in _ALL}
