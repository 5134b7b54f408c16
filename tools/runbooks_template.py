"""Makes the page of runbooks of docs/runbooks.md, so that a collector serves what its alerts lead to.

The page's parts are those of the others: headings by their alerts' names, tables that scroll. What a look asks of the
collector is a link; another page of the documentation is not served and is named alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

SOURCE: Final = Path(__file__).resolve().parents[1] / "docs" / "runbooks.md"
FRAME: Final = """{{% extends "base.html" %}}
{{% block title %}}Runbooks · Roomwatch{{% endblock %}}
{{% block content %}}
<section class="prose">
<p class="crumb"><a href="/">Now</a> / Runbooks</p>
{{% raw %}}
{body}{{% endraw %}}
</section>
{{% endblock %}}
"""


def runbooks_template() -> str:
    """The text of collector/api/templates/runbooks.html."""
    text = SOURCE.read_text(encoding="utf-8")
    body = MarkdownIt("commonmark", renderer_cls=_Renderer).enable("table").render(text)
    body = re.sub(r"<td>(\d{5})</td>", r'<th scope="row"><a href="/codes/\1">\1</a></th>', body)
    alerts = re.findall(r"^## (\w+)$", text, re.MULTILINE)
    listed = " · ".join(f'<a href="#{alert.lower()}">{alert}</a>' for alert in alerts)
    return FRAME.format(body=body.replace("<h2", f'<nav class="sub" aria-label="Alerts">{listed}</nav>\n<h2', 1))


class _Renderer(RendererHTML):
    """As commonmark has it, with our headings, tables, links and questions."""

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A heading by its name, as Git hosts call it."""
        del options, env
        name = re.sub(r"[^\w -]", "", tokens[idx + 1].content.lower()).replace(" ", "-")
        return f'<{tokens[idx].tag} id="{name}">'

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A table that scrolls by itself where it is wider than the screen."""
        del tokens, idx, options, env
        return '<div class="scroll" tabindex="0" role="region" aria-label="Likely causes"><table class="small">\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Its end."""
        del tokens, idx, options, env
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A heading of a column."""
        del tokens, idx, options, env
        return '<th scope="col">'

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A place on this page; elsewhere nothing is served."""
        del options, env
        href = str(tokens[idx].attrs["href"])
        return f'<a href="{href}">' if href.startswith("#") else "<span>"

    def link_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """The end of either."""
        del options, env
        opened = next(one for one in reversed(tokens[:idx]) if one.type == "link_open")
        return "</a>" if str(opened.attrs["href"]).startswith("#") else "</span>"

    def code_inline(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """What is asked of the collector leads there."""
        del options, env
        code = escape(tokens[idx].content)
        is_call = re.fullmatch(r"/api/v1/[^{<…]+", tokens[idx].content) is not None
        return f'<a href="{code}"><code>{code}</code></a>' if is_call else f"<code>{code}</code>"
