def test_words(train, ask) -> None:
    run = train("word_lstm", "wikitext2_small", "--samples", "64", "--epochs", "1", folder="wikitext2")
    assert "words for training" in run.out
    assert "perplexity" in run.out
    assert ask(run, "The city", "--length", "5").startswith("The city ")
