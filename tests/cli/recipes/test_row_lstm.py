def test_a_row_is_a_step(train) -> None:
    run = train("row_lstm", "digits", "--epochs", "3")
    assert "81,674" in run.out
    accuracy = float(run.out.partition("test accuracy ")[2].split()[0])
    assert accuracy > 60  # one in ten by chance; 30 epochs reach 97 %
