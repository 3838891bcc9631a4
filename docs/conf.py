"""How Sphinx makes the site. ``python -m sphinx -W --keep-going -b html docs docs/_build/html`` builds it.

Nothing is asked of the network: not for the links to scikit-learn's pages, and not when pages are looked at.
"""

import re

from docutils import nodes
from sphinx.util.nodes import get_node_source

import skmlp

project = "skmlp"
author = "The skmlp developers"
copyright = author
release = version = skmlp.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "examples"]

# Pages
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"

# Reference
autosummary_generate = True
autodoc_typehints = "none"  # docstrings say it in words
numpydoc_show_class_members = False  # the template lists them

# Gallery: all files of docs/examples run, but for the script that the README's first command runs
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "ignore_pattern": r"^pima\.py$",
    "within_subsection_order": "FileNameSortKey",
    "capture_repr": (),
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "show_signature": False,
    "thumbnail_size": (400, 280),
    "image_srcset": ["2x"],
    "reset_modules": ("matplotlib",),
}

# Look
html_theme = "pydata_sphinx_theme"
html_title = "skmlp"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": True,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


SKLEARN = "https://scikit-learn.org/stable/"
SKLEARN_PAGES = {
    "accuracy_score": "modules/generated/sklearn.metrics.accuracy_score.html",
    "df_output_transform": "auto_examples/miscellaneous/plot_set_output.html",
    "metadata_routing": "metadata_routing.html",
}


def link_examples(app, docname, source):
    """Links to examples, which are files where the pages are read as they are, lead to their pages in the gallery."""
    source[0] = re.sub(r"\]\(((?:\.\./)*)examples/(?!pima)(\w+)\.py\)", r"](\1gallery/\2.rst)", source[0])


def link_sklearn(app, env, node, content):
    """Labels and terms in docstrings that are scikit-learn's lead to its pages, or are plain text."""
    if node.get("reftype") not in ("ref", "term") or "docstring of sklearn" not in (get_node_source(node) or ""):
        return None
    target = node["reftarget"]
    page = f"glossary.html#term-{target}" if node["reftype"] == "term" else SKLEARN_PAGES.get(target)
    return content if page is None else nodes.reference("", "", content, internal=False, refuri=SKLEARN + page)


def setup(app):
    """Connect them."""
    app.connect("source-read", link_examples)
    app.connect("missing-reference", link_sklearn)
