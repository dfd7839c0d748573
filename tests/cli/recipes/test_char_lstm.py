def test_letters(train, ask) -> None:
    run = train("char_lstm", "tiny_shakespeare", "--samples", "128", "--epochs", "2", folder="tinyshakespeare")
    assert "1,003,854 characters for training" in run.out
    assert "test nats per character" in run.out
    assert "baseline: how often each character occurs: 3." in run.out
    loss = float(run.out.partition("nats per character ")[2].split(",")[0])
    assert loss < 4.0  # below log(65) = 4.17 of knowing nothing
    first = ask(run, "ROMEO:", "--length", "20")
    assert first.startswith("ROMEO:")
    assert len(first) == len("ROMEO:") + 20 + 1
    assert ask(run, "ROMEO:", "--length", "20") == first
    assert ask(run, "ROMEO:", "--length", "20", "--seed", "1") != first
