"""`vrestore NAME`, `vrestore batch NAME` and `vrestore plan NAME`, for every method and detector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from inspect import Parameter
from typing import TYPE_CHECKING, Any

import typer

from vrestore.batching.words import BatchWords, FolderWords
from vrestore.cli import options
from vrestore.cli.parameters import in_panels, own, parameter_of, positional, with_signature
from vrestore.cli.terminal.failure import failures_shown
from vrestore.cli.terminal.overwriting import may_overwrite
from vrestore.cli.terminal.report import show_json, show_lines
from vrestore.detect.base import Detector
from vrestore.detect.registry import detectors
from vrestore.errors import Interrupted
from vrestore.methods.base import Method
from vrestore.methods.registry import methods
from vrestore.option_schema import OptionField, options_of
from vrestore.parallel.words import ClusterWords

if TYPE_CHECKING:
    from vrestore.run.job import Command
from vrestore.cli.parameters import fields_of, has_folder_of_files, library_words


def run_command(command: Command) -> Callable[..., None]:
    """Return the function of `vrestore NAME`."""

    def work(**words: Any) -> None:  # noqa: ANN401 - what Typer read
        if words.get("masks") is not None:
            from vrestore.cli.folder import run_folder

            run_folder(command, words.pop("source"), words | {"jobs": words["jobs"] or BatchWords().jobs})
        with failures_shown(debug=words["debug"], log_file=words["log_file"]) as log:
            arguments = library_words(command, words)
            import vrestore
            from vrestore.cli.terminal.progress import progress_shown
            from vrestore.run.job import command_words, default_target

            source = words["source"]
            is_patch = bool(words.get("patch_only"))
            target = words["target"] or default_target(source, command, is_patch=is_patch)
            arguments["overwrite"] = may_overwrite(
                target, overwrite=words["overwrite"], no_overwrite=words["no_overwrite"]
            )
            arguments |= cluster_words(command, words)
            with (
                _where_stopped_told(target),
                progress_shown(words["progress"], source=source, log=log) as shown,
            ):
                result = vrestore.run_command(command_words(command), source, progress=shown, **arguments)
            lines = result.summary_lines()
            log.write("done", "\n".join(lines))
            show_lines(lines, is_piped=target == "-")
            raise typer.Exit(result.exit_code)

    doc = " ".join(filter(None, [command.summary, command.more]))
    return with_signature(work, _parameters(command), doc=doc)


def add_commands(
    app: typer.Typer,
    kind: str,
    build: Callable[[Command], Callable[..., None]],
    *,
    about_masks: Callable[[], None],
) -> None:
    """Add a command for each method, and below `mask` one for each detector.

    Args:
        app: what they are added to.
        kind: `batch` or `plan`, under which methods and detectors have their examples.
        build: makes the function of a command.
        about_masks: says in its docstring what those below `mask` do.
    """
    for method in methods().values():
        app.command(method.name, epilog=method.examples.get(kind))(build(method))
    if detectors():
        masks = typer.Typer(no_args_is_help=True, rich_markup_mode="rich")
        masks.callback()(about_masks)
        for detector in detectors().values():
            masks.command(detector.name, epilog=detector.examples.get(kind))(build(detector))
        app.add_typer(masks, name="mask")


def plan_command(command: Command) -> Callable[..., None]:
    """Return the function of `vrestore plan NAME`: any command line can be planned."""

    def work(**words: Any) -> None:  # noqa: ANN401
        with failures_shown(debug=words["debug"], log_file=words["log_file"]):
            arguments = library_words(command, words)
            import vrestore
            from vrestore.run.job import command_words

            plan = vrestore.plan_command(command_words(command), words["source"], **arguments)
            if words["json"]:
                show_json(plan.to_dict())
            else:
                show_lines(plan.lines())

    parameters = [*_parameters(command), own("json", options.Json, False)]
    doc = f"Print the plan of `vrestore {_words(command)}` for the same words, and write nothing."
    return with_signature(work, parameters, doc=doc)


def batch_command(command: Command) -> Callable[..., None]:
    """Return the function of `vrestore batch NAME`."""

    def work(**words: Any) -> None:  # noqa: ANN401
        from vrestore.cli.folder import run_folder

        run_folder(command, words.pop("folder"), words)

    doc = f"Do what `vrestore {_words(command)}` does for every video of FOLDER, in sub-folders too."
    return with_signature(work, _batch_parameters(command), doc=doc)


def _words(command: Command) -> str:
    return f"mask {command.name}" if isinstance(command, Detector) else command.name


def cluster_fields(command: Command) -> list[OptionField]:
    """Return what a command has on the command line for a cluster: nothing where it has no parts."""
    has_parts = isinstance(command, Method) and command.sharding is not None
    return list(options_of(ClusterWords).values()) if has_parts else []


def cluster_words(command: Command, words: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was said of a cluster."""
    return {each.name: words[each.name] for each in cluster_fields(command)}


def _parameters(command: Command) -> list[Parameter]:
    """Return the parameters of a command for one video."""
    fields = [*fields_of(command).values(), *cluster_fields(command)]
    if has_folder_of_files(command):
        fields.append(options_of(FolderWords)["masks"])
    more = [own("no_overwrite", options.NoOverwrite, False)]
    return [positional("source", options.SourceInText), *_in_order(command, fields), *more, *shown()]


def _batch_parameters(command: Command) -> list[Parameter]:
    """Return the parameters of a command for many videos."""
    of_folder = dict(options_of(FolderWords))
    if not has_folder_of_files(command):
        del of_folder["masks"]
    fields = [*fields_of(command, for_many=True).values(), *of_folder.values()]
    fields += options_of(BatchWords).values()
    return [positional("folder", options.Folder), *_in_order(command, fields), *shown()]


def shown() -> list[Parameter]:
    """Return the parameters for what is shown meanwhile, and of what goes wrong."""
    return [
        own("progress", options.Progress, None),
        own("log_file", options.LogFile, None),
        own("debug", options.Debug, False),
    ]


def _in_order(command: Command, fields: list[OptionField]) -> list[Parameter]:
    parameters = []
    for each in in_panels(fields):
        parameter = parameter_of(each)
        if each.name == "target":
            said = options.output_help(command.name, is_mask=isinstance(command, Detector))
            parameter = parameter.replace(annotation=said)
        parameters.append(parameter)
    return parameters


@contextmanager
def _where_stopped_told(target: str) -> Iterator[None]:
    """Let a run that is interrupted say what it leaves for the next one."""
    try:
        yield
    except KeyboardInterrupt as error:
        from vrestore.run.checkpoint import frames_kept

        frames = frames_kept(target)
        left = f"{frames} frames are done and kept, the same command goes on there"
        raise Interrupted(f"interrupted; {left if frames else 'nothing was written'}") from error
