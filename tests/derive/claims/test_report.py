"""Verdicts as text, Markdown, LaTeX and JSON."""

import json
import re
from dataclasses import replace
from pathlib import Path

from checked import all_verdicts, verdict

from optsde.derive.claims.papers import callisti, li_tai_e, shardlow

PAGE = Path(__file__).parents[3] / "CLAIMS.md"


def test_the_page_is_what_the_tool_writes():
    assert PAGE.read_text(encoding="utf-8") == all_verdicts().markdown()


def test_text_shows_formula_verdict_difference_and_witness():
    text = str(verdict(callisti.adam_batch_order_2))
    assert "dm = (c1*(g - m) + tau/2*(c1*Gamma*H(m*D) + c1**2*(g - m))) dt + c1*B(dW)" in text
    lines = [
        "published: -2*F[j]*S[i,j]*c1*c2",
        "derived:   2*F[j]*S[i,j]*c1*c2",
        "excess:    -4*F[j]*S[i,j]*c1*c2",
    ]
    assert "\n      ".join(lines) in text
    assert re.search(r"at f' = 1/2, S = 3/4, c1 = 5/4, c2 = 7/4: published -1\.64062, derived 1\.64062", text)
    assert text.endswith("1 claims, none with another verdict than recorded")


def test_text_says_so_where_the_record_is_another():
    found = verdict(li_tai_e.sgd_order_1)
    text = str(replace(found, claim=replace(found.claim, recorded="differs")))
    assert "RECORDED OTHERWISE: differs" in text
    assert text.endswith("1 claims, 1 with another verdict than recorded")


def test_sums_keep_their_letters():
    text = str(verdict(shardlow.multiplicative_noise))
    assert "sum_k(-F[k]*S[i,j,k]/2) + sum_k,l(S[i,j,k,l]*S[k,l]/4)   (zero if constant noise)" in text
    assert "sum_l(S[i,j,l]*S[k,l]/2 + S[i,k,l]*S[j,l]/2 + S[i,l]*S[j,k,l]/2)" in text


def test_latex_is_one_balanced_table():
    latex = all_verdicts().latex()
    assert latex.count(r"\begin{") == latex.count(r"\end{") == 1
    assert latex.count("{") == latex.count("}")
    rows = [line for line in latex.splitlines() if line.startswith("$")]
    assert len(rows) == sum(len(v.rows) for v in all_verdicts())
    assert all(line.count(" & ") == 2 and line.endswith(r" \\") and line.count("$") == 6 for line in rows)
    assert r"(\partial_{i} f)^{2}" in latex
    assert "_1" not in latex.replace("c_{1}", "")


def test_json_has_each_claim_with_its_coefficients():
    data = json.loads(json.dumps(all_verdicts().to_json()))
    assert len(data["claims"]) == len(all_verdicts())
    (claim,) = [c for c in data["claims"] if c["name"] == "RMSprop, ballistic, order 2"]
    assert claim["paper"]["key"] == "callisti2025-code"
    assert claim["drift"]["v"] == "c*V + tau/2*(2*c*g*H(g*D) + c**2*V)"
    (row,) = [row for row in claim["coefficients"] if row["blocks"] == ["v", "v"]]
    assert row["excess"] == [{"expression": "-2*S[i,j]**2*c**2", "zero_if": []}]
    assert row["witness"]["published"] - row["witness"]["derived"] == -1.7578125
    (row,) = [row for row in claim["coefficients"] if row["blocks"] == ["theta"] and row["power"] == 1]
    assert [e["zero_if"] for e in row["excess"]] == [["eps = 0"]]


def test_a_verdict_shows_itself():
    found = verdict(shardlow.multiplicative_noise)
    assert repr(found).startswith(
        "<Verdict: shardlow2006, the same formula for multiplicative noise: agrees if"
    )
    assert str(found).splitlines()[1].startswith("  the same formula for multiplicative noise [re-derived]")
    assert found.to_json()["verdict"] == found.summary
    assert found.latex().startswith("% needs")
    assert found._repr_html_().startswith("<pre>shardlow2006: ")
    assert repr(all_verdicts()) == f"<Verdicts: {len(all_verdicts())} claims>"
