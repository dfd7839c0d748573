def test_reviews(train, ask, evaluate) -> None:
    run = train("sentiment", "sst2", "--samples", "300", "--epochs", "1", folder="sst2")
    assert "6,920 training, 872 dev and 1,821 test sentences" in run.out
    assert "baseline: always the more frequent class: accuracy" in run.out
    assert "vocabularies.json" in run.files()
    assert ask(run, "a fine film").split()[0] in ("positive", "negative")
    assert ask(run, "unheardofword").split()[0] in ("positive", "negative")
    assert "on sst2: test accuracy" in evaluate(run)
