"""How docs/ becomes pages: every example is run, and what fails to run fails the build."""

import re
from typing import Any

project = "discern"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
autodoc_typehints = "none"  # numpydoc sections say them
napoleon_google_docstring = False
html_theme = "furo"
html_title = "discern"
html_copy_source = html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["labs.css"]
exclude_patterns = ["_build", "examples"]
language = "en"

nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120  # seconds a cell
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath"]

MARKS = "\u3000-\u303f\uff00-\uffef"  # punctuation as wide as a character
BREAK = re.compile(
    rf"(?<=[{MARKS}\u4e00-\u9fff])\n(?=[{MARKS}\u4e00-\u9fff])|(?<=[{MARKS}])\n(?=[A-Za-z0-9(]|`(?!``)|\*(?! ))"
)
CODE = re.compile("(^```.*?^```$)", re.DOTALL | re.MULTILINE)


def setup(app: Any) -> None:
    """Join the lines of Chinese paragraphs: a browser would show every line break as a space."""

    def joined(_app: Any, _name: str, source: list[str]) -> None:
        parts = CODE.split(source[0])
        source[0] = "".join(part if part.startswith("```") else BREAK.sub("", part) for part in parts)

    app.connect("source-read", joined)
