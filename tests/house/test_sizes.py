"""A function fits a screen, a file has one subject."""

from tests.house.tree import functions, text, tracked

FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 400
DOCS_LINES_MAX = 250
# All pages share one vocabulary of tokens and components, which is read by heading.
ONE_FILE = {"collector/api/static/page.css"}

# Pages that a function writes from the code are as long as what they list.
# Who is woken looks up one heading: runbooks are as long as there are alerts. So does who asks: a heading a question.
LOOKED_UP = {"docs/api.md", "docs/runbooks.md"}
GENERATED_DOCS = {"docs/metrics.md", "docs/configuration.md", "docs/errors.md", "docs/reference.md"}


def test_no_function_is_longer_than_a_screen() -> None:
    long = [f"{f.path}:{f.line} {f.name} has {f.lines} lines" for f in functions() if f.lines > FUNCTION_LINES_MAX]
    assert long == []


def test_no_file_of_code_has_more_lines_than_one_subject_needs() -> None:
    lines = {path: text(path).count("\n") for path in tracked(".py", ".js", ".css", ".html", ".sh")}
    long = {str(path): count for path, count in lines.items() if count > FILE_LINES_MAX}
    assert {path: count for path, count in long.items() if path not in ONE_FILE} == {}


def test_a_page_of_documentation_answers_one_need() -> None:
    pages = {str(p): text(p).count("\n") for p in tracked(".md") if p.parts[0] == "docs"}
    assert {p: n for p, n in pages.items() if n > DOCS_LINES_MAX and p not in GENERATED_DOCS | LOOKED_UP} == {}
