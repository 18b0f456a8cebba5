"""Commands into tasks: the marked cases, the graph, and texts that nobody would call a command."""

from __future__ import annotations

import random

import pytest

from segmentation.algorithms.command.clauses import Role
from segmentation.algorithms.command.graph import Edge
from segmentation.algorithms.command.parse import Plan, parse_command
from segmentation.algorithms.spans import is_exact
from tests.segmentation.command_cases import load, score


def normals(text: str, language: str) -> list[str]:
    return [task.normal for task in parse_command(text, language).tasks]


def types(plan: Plan) -> list[tuple[int, int, str]]:
    return [(edge.source, edge.target, edge.type.value) for edge in plan.edges]


@pytest.mark.parametrize("language", ["tr", "en"])
def test_there_are_three_hundred_cases_in_halves_with_many_singles(language: str) -> None:
    cases = load(language)
    assert len(cases) == 300
    assert len({case.text for case in cases}) == 300
    assert sum(case.half == "test" for case in cases) == 150
    assert sum(len(case.pieces) == 1 for case in cases) >= 45


@pytest.mark.parametrize("half", ["dev", "test"])
@pytest.mark.parametrize("language", ["tr", "en"])
def test_the_marked_cases_are_read_as_marked(language: str, half: str) -> None:
    found = score([case for case in load(language) if case.half == half], language)
    assert found.boundary_f1 >= 97
    assert found.exact_count >= 95
    assert found.edge_f1 >= 90
    # 24 or 25 singles a half: one of them is four per cent; the benchmark asks hundreds.
    assert found.split <= 1


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Faturayı Ali ve Veli'ye gönder", "tr"),
        ("Un, şeker ve yumurta al", "tr"),
        ("Toplantıdan sonra beni ara", "tr"),
        ("Takip ettiğim şarkıları çal", "tr"),
        ("Send the invoice to Ali and Veli", "en"),
        ("Find a bed and breakfast near the station", "en"),
        ("Remind me to call Ali and buy milk", "en"),
        ("Meet me after lunch", "en"),
    ],
)
def test_a_single_command_stays_one(text: str, language: str) -> None:
    plan = parse_command(text, language)
    assert len(plan.tasks) == 1
    assert plan.edges == []


def test_converbs_carry_the_mood_of_the_last_verb() -> None:
    assert normals("Raporu bulup Ali'ye gönder", "tr") == ["Raporu bul", "Ali'ye gönder"]
    assert normals("Dosyayı kaydettikten sonra bilgisayarı kapatır mısın?", "tr") == [
        "Dosyayı kaydet",
        "bilgisayarı kapat",
    ]


def test_a_shared_object_is_given_to_both_tasks() -> None:
    assert normals("Download and install the update", "en") == ["Download the update", "install the update"]


def test_a_negated_command_keeps_its_negation() -> None:
    assert normals("Onu gönderme", "tr") == ["Onu gönderme"]
    assert normals("Save the draft and do not send it", "en")[1] == "do not send it"


def test_an_inserted_clause_leaves_a_discontinuous_task() -> None:
    text = "Sözleşmeyi, kurul onayladıktan sonra, müşteriye gönder"
    plan = parse_command(text, "tr")
    assert [[text[a:b] for a, b in task.pieces] for task in plan.tasks] == [
        ["Sözleşmeyi", "müşteriye gönder"],
        ["kurul onayladıktan sonra"],
    ]
    assert [task.role for task in plan.tasks] == [Role.TASK, Role.CONDITION]
    assert plan.owners == [0, 1, 0]
    assert types(plan) == [(1, 0, "precondition")]


def test_before_reverses_the_order_of_the_text() -> None:
    assert types(parse_command("Before restarting the server, warn the users", "en")) == [(1, 0, "precondition")]
    assert types(parse_command("Sunucuyu başlatmadan önce kullanıcıları uyar", "tr")) == [(1, 0, "precondition")]


def test_otherwise_negates_the_condition_and_names_its_evidence() -> None:
    text = "If it is sunny, open the roof, otherwise turn on the lights"
    edges = parse_command(text, "en").edges
    assert [(edge.source, edge.target, edge.negated) for edge in edges] == [(0, 1, False), (0, 2, True)]
    evidence = edges[1].evidence
    assert evidence is not None
    assert text[slice(*evidence)] == "otherwise"


def test_quoted_text_is_content_and_not_a_command() -> None:
    assert len(parse_command('Write "open the door and close the window" on the board', "en").tasks) == 1
    assert len(parse_command('Tahtaya "kapıyı aç ve pencereyi kapat" yaz', "tr").tasks) == 1


def is_acyclic(count: int, edges: list[Edge]) -> bool:
    left = set(range(count))
    while left:
        free = {node for node in left if not any(e.target == node and e.source in left for e in edges)}
        if not free:
            return False
        left -= free
    return True


@pytest.mark.parametrize("language", ["tr", "en", "de"])
def test_any_text_keeps_the_law_of_exactness_and_has_a_graph_without_circles(language: str) -> None:
    chance = random.Random(11)
    vocabulary = [word for code in ("tr", "en") for case in load(code) for word in case.text.split()]
    odd = ' .,;:!?"“()[]1-\n\t\r\u2029\u200d\ud800😀İıif and ve sonra ip'
    for number in range(1500):
        if number % 2:
            text = " ".join(chance.choices(vocabulary, k=chance.randrange(1, 30)))
        else:
            text = "".join(chance.choices(odd, k=chance.randrange(1, 40)))
        plan = parse_command(text, language)
        assert is_exact(len(text), plan.spans), ascii(text)
        assert len(plan.owners) == len(plan.spans)
        assert set(plan.owners) == set(range(len(plan.tasks)))
        assert is_acyclic(len(plan.tasks), plan.edges), ascii(text)
        for task in plan.tasks:
            assert all(0 <= a < b <= len(text) for a, b in task.pieces), ascii(text)


@pytest.mark.parametrize("unit", ["her ", "if it rains ", "açıp ", "after ", '"', "and ", "kapıyı aç ve ", "open, "])
def test_no_command_takes_more_than_its_length_deserves(unit: str) -> None:
    text = (unit * 20_000)[:20_000]
    for language in ("tr", "en"):
        assert is_exact(len(text), parse_command(text, language).spans)
