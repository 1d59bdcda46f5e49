"""How docs/ becomes pages: every example is run, and what fails to run fails the build."""

project = "discern"
extensions = ["myst_nb"]
html_theme = "furo"
html_title = "discern"
html_copy_source = html_show_sourcelink = False
exclude_patterns = ["_build", "examples"]
language = "en"

nb_execution_mode = "cache"
nb_execution_raise_on_error = True
nb_execution_timeout = 120  # seconds a cell
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath"]
