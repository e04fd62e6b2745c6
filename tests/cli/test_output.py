"""What commands print."""

from hmn_lava.cli.output import print_table


def test_a_title_steers_neither_the_terminal_nor_the_markup(capsys):
    print_table(["a"], [["[bold]cell[/bold], wide enough for the title"]], title="[red]evil[/red] \x1b[31m")
    shown = capsys.readouterr().out
    assert "[red]evil[/red] \\x1b[31m" in shown
    assert "[bold]cell[/bold]" in shown
    assert "\x1b" not in shown
