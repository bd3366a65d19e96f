"""`mover completion`."""

from __future__ import annotations

from typing import Final

import click

_BASH: Final = r"""%(complete_func)s() {
    local line="${COMP_LINE:0:$COMP_POINT}" completion type value at
    local -a words
    IFS=' ' read -a words <<< "$line"
    at=$((${#words[@]} - 1))
    [[ $line == *' ' ]] && at=$((at + 1))
    local IFS=$'\n'
    COMPREPLY=()
    for completion in $(COMP_WORDS="$line" COMP_CWORD=$at %(complete_var)s=bash_complete "$1"); do
        IFS=',' read -r type value <<< "$completion"
        if [[ $type == plain ]]; then
            COMPREPLY+=("$value")
            [[ $value == *: ]] && compopt -o nospace
        else
            compopt -o default
        fi
    done
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""
"""click's own takes `photos:2026` for three words, as bash does, and puts a blank behind `photos:`."""


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that has a shell complete commands, options, connections and runs.

    For bash, into ~/.bashrc: source <(mover completion bash). For zsh, into ~/.zshrc, behind compinit: source <(mover completion zsh). For
    fish: mover completion fish > ~/.config/fish/completions/mover.fish
    """
    from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

    from mover.cli.main import cli

    class Bash(BashComplete):
        source_template = _BASH

        def source(self) -> str:  # click's starts a bash to look how old it is
            return ShellComplete.source(self)

    kind = {"bash": Bash, "zsh": ZshComplete, "fish": FishComplete}[shell]
    click.echo(kind(cli, {}, "mover", "_MOVER_COMPLETE").source(), nl=False)
