import pytest

from linnet.cli.recipes.tagging import form


def test_sentences(train, ask) -> None:
    run = train("tagging", "ud_english", "--samples", "800", "--epochs", "2", folder="ud_english_ewt")
    assert "12,544 training, 2,001 dev and 2,077 test sentences" in run.out
    assert "baseline: each word's most frequent tag: accuracy 8" in run.out
    accuracy = float(run.out.partition("test accuracy ")[2].split()[0])
    assert accuracy > 30  # the most frequent tag, NOUN, has 17 %
    answer = ask(run, "The dog sleeps .").split()
    assert [pair.split("/")[0] for pair in answer] == ["The", "dog", "sleeps", "."]


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("dog", "small"),
        ("Dog", "capital first"),
        ("I", "one capital"),
        ("NASA", "capitals"),
        ("3rd", "digits"),
        (":-)", "signs"),
    ],
)
def test_form(word: str, kind: str) -> None:
    assert form(word) == kind
