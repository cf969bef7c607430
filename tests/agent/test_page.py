from agent import page
from agent.diagnosis import Outcome
from agent.status import CollectorStatus, Status
from collectors.findings import Finding, Severity

STATUS = Status(
    schema=1,
    version="1.2.3",
    pid=7,
    started=0.0,
    uptime=61.0,
    url="http://127.0.0.1:9787",
    config="built-in defaults",
    config_error="",
    collectors=[CollectorStatus("host", up=True, error="", errors=0, restarts=0, duration=0.002)],
    checks=[Outcome("host.memory", "Memory is available", ())],
)


def test_a_page_without_findings_says_so() -> None:
    shown = page.render(STATUS)

    assert "1 checks, nothing found." in shown
    assert "<td>host<td>up<td>2.0 ms<td>0<td>0" in shown


def test_whatever_a_finding_says_is_text_and_no_markup() -> None:
    finding = Finding("x", "<b>bold</b>", Severity.FAILURE, "a & b", "all", ("rm '<script>'",))
    status = Status(
        **{name: getattr(STATUS, name) for name in STATUS.__struct_fields__}
        | {"checks": [Outcome("x.y", "X", (finding,))], "config_error": "<i>"}
    )

    shown = page.render(status)

    assert "&lt;b&gt;bold&lt;/b&gt;" in shown
    assert "a &amp; b" in shown
    assert "&lt;script&gt;" in shown
    assert "refused: &lt;i&gt;" in shown
    assert 'class="failure"' in shown
